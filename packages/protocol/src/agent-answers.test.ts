import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { agentNameSchema, saidLoadSchema, saidReportSchema, watchMessageSchema } from "./index.js";

const INSTANT = "2026-01-02T03:04:05.678Z";
const REPORT = {
  id: "7.1",
  state: "finished",
  startedAt: INSTANT,
  finishedAt: INSTANT,
  outcome: { reason: "exited", exitCode: 0, signal: null, message: null },
  findings: [],
  usage: { wallSeconds: 1, cpuSeconds: 1, maxRssBytes: 1 },
  result: { sizeBytes: 10, sha256: "0".repeat(64) },
};
const LOAD = {
  ...{ cpuPercent: 1, load1: 1, memoryUsedBytes: 1, memoryTotalBytes: 2, slotsUsed: 0 },
  ...{ slotsTotal: 1, draining: false, sampledAt: INSTANT },
};

describe("what an agent says", () => {
  it("is accepted when it is honest", () => {
    assert.deepEqual(saidReportSchema.parse(REPORT), REPORT);
    assert.deepEqual(saidLoadSchema.parse(LOAD), LOAD);
  });

  const refused: Record<string, object> = {
    "an id with too many digits": { id: `${"9".repeat(400)}.1` },
    "an id that is no id": { id: "../../etc" },
    "an unknown state": { state: "done" },
    "a date that does not parse": { startedAt: "2026-13-45T99:99:99.000Z" },
    "a date with a year of six digits": { startedAt: "+275760-09-13T00:00:00.000Z" },
    "a negative size": { result: { sizeBytes: -1, sha256: "0".repeat(64) } },
    "a size beyond all disks": { result: { sizeBytes: 2 ** 52, sha256: "0".repeat(64) } },
    "a digest that is a path": { result: { sizeBytes: 1, sha256: "../".repeat(21) + "x" } },
    "seconds that overflow sums": { usage: { ...REPORT.usage, cpuSeconds: 1e308 } },
    "negative seconds": { usage: { ...REPORT.usage, wallSeconds: -1 } },
    "an outcome that only the server finds": {
      outcome: { ...REPORT.outcome, reason: "input_damaged" },
    },
    "too many findings": { findings: Array.from({ length: 1001 }, () => ({})) },
  };
  for (const [what, lie] of Object.entries(refused)) {
    it(`is refused: ${what}`, () => {
      assert.equal(saidReportSchema.safeParse({ ...REPORT, ...lie }).success, false);
    });
  }

  it("is refused: a snapshot with 100,000 attempts, and numbers that no machine has", () => {
    const attempts = Array.from({ length: 100_000 }, () => REPORT);
    const agent = {
      ...{ name: "a", version: "1", slots: 1, cpus: 1, memoryBytes: 1, services: [] },
      ...{ sandbox: "process", capabilities: [] },
    };
    const snapshot = { type: "snapshot", agent, attempts: [REPORT], load: LOAD };
    assert.equal(watchMessageSchema.safeParse(snapshot).success, true);
    assert.equal(watchMessageSchema.safeParse({ ...snapshot, attempts }).success, false);
    for (const lie of [{ slots: 1e9 }, { memoryBytes: -1 }, { name: "\u001b[2J" }]) {
      const lied = { ...snapshot, agent: { ...agent, ...lie } };
      assert.equal(watchMessageSchema.safeParse(lied).success, false);
    }
  });

  it("is cleaned and cut where people read it", () => {
    const message = `\u001b]0;owned\u0007${"x".repeat(10_000)}`;
    const { outcome } = saidReportSchema.parse({
      ...REPORT,
      outcome: { ...REPORT.outcome, message },
    });
    assert.match(outcome?.message ?? "", /^\ufffd\]0;owned\ufffdx+…$/);
    assert.equal(outcome?.message?.length, 2000);
  });

  it("has a name that is safe to show and to store", () => {
    for (const name of ["agent-1", "a", "A.b_c-9"]) agentNameSchema.parse(name);
    for (const name of ["", "-a", "a b", "a\n", "a/b", "\u001b[31m", "x".repeat(64)])
      assert.equal(agentNameSchema.safeParse(name).success, false, JSON.stringify(name));
  });
});
