import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { HeardReport } from "../heard-report.js";
import type { JobRow } from "../store/job-row.js";
import { earliestEnd, endedAt, reportedRuntime, runtimeSeconds, startColumns } from "./runtime.js";

const HOUR_MS = 60 * 60 * 1000;
const WALL_MS = 1000 * HOUR_MS;
/** Ten minutes after the attempt was sent, whatever the time of day says. */
const AT = { wallMs: WALL_MS, machine: { boot: "this", ms: 10 * 60_000 } };
const SENT = { clock_boot: "this", clock_ms: 0, started_at: null, runtime_seconds: null };
const row = (fields: Partial<JobRow>): JobRow => ({ ...SENT, ...fields }) as JobRow;

const report = (fields: Partial<HeardReport>) => ({
  ...{ id: "1.1", state: "running" as const, startedAt: null, finishedAt: null, outcome: null },
  ...{ findings: [], usage: null, result: null, heardMs: AT.machine.ms },
  ...fields,
});
const instant = (ms: number): string => new Date(ms).toISOString();

describe("the runtime of a job", () => {
  it("comes from the monotonic clock, and where that tells nothing from time stamps", () => {
    const started = row({ started_at: WALL_MS + HOUR_MS, clock_ms: 4 * 60_000 });
    assert.equal(runtimeSeconds(started, AT), 360);
    assert.equal(runtimeSeconds({ ...started, clock_boot: "earlier" }, AT), 0);
    assert.equal(
      runtimeSeconds({ ...started, clock_boot: null, started_at: WALL_MS - 5000 }, AT),
      5,
    );
    assert.equal(runtimeSeconds({ ...started, runtime_seconds: 7 }, AT), 7);
    assert.equal(runtimeSeconds(row({}), AT), null);
  });

  it("begins when the agent says how long ago, whatever its clock shows", () => {
    for (const offMs of [-HOUR_MS, 0, HOUR_MS]) {
      const said = report({
        startedAt: instant(WALL_MS + offMs),
        ages: { startedSeconds: 60, finishedSeconds: null },
      });
      assert.deepEqual(startColumns(said, row({}), WALL_MS - 600_000, AT), {
        ...{ started_at: WALL_MS - 60_000, clock_boot: "this", clock_ms: 9 * 60_000 },
      });
    }
  });

  it("does not begin before the attempt was sent, nor in the future", () => {
    for (const ages of [{ startedSeconds: 1e9, finishedSeconds: null }, undefined]) {
      const said = report({ startedAt: instant(0), ...(ages === undefined ? {} : { ages }) });
      assert.deepEqual(startColumns(said, row({}), WALL_MS - 600_000, AT), {
        ...{ started_at: WALL_MS - 600_000, clock_boot: "this", clock_ms: 0 },
      });
    }
    const future = report({ startedAt: instant(WALL_MS + HOUR_MS) });
    assert.equal(startColumns(future, row({}), 0, AT).started_at, WALL_MS);
  });

  it("has bounds by the time of day when the monotonic clock tells nothing", () => {
    const rebooted = row({ clock_boot: "earlier" });
    const lie = report({ ages: { startedSeconds: 1e9, finishedSeconds: 0 } });
    assert.deepEqual(startColumns(lie, rebooted, WALL_MS - 60_000, AT), {
      ...{ started_at: WALL_MS - 60_000, clock_boot: "this", clock_ms: 9 * 60_000 },
    });
    const started = row({ clock_boot: "earlier", started_at: WALL_MS - 60_000 });
    assert.equal(reportedRuntime(lie, started, AT), 60);
  });

  it("ends when the agent says how long ago, counted from when that was heard", () => {
    const said = report({
      finishedAt: instant(0),
      ages: { startedSeconds: 100, finishedSeconds: 10 },
      heardMs: AT.machine.ms - 5000,
    });
    assert.equal(endedAt(said, 0, AT), WALL_MS - 15_000);
    assert.equal(endedAt(said, WALL_MS - 1000, AT), WALL_MS - 1000);
  });

  it("is not longer than the time between the stamps of start and end", () => {
    const back = row({ started_at: WALL_MS + HOUR_MS, clock_ms: 4 * 60_000 });
    assert.equal(earliestEnd(back, AT), WALL_MS + HOUR_MS + 360_000);
    assert.equal(earliestEnd(row({ submitted_at: 5 }), AT), 5);
  });

  it("is what the agent has measured, and not more than the time since it was sent", () => {
    const started = row({ started_at: WALL_MS, clock_ms: 9 * 60_000 });
    const usage = { wallSeconds: 50, cpuSeconds: null, maxRssBytes: null };
    assert.equal(reportedRuntime(report({ usage }), started, AT), 50);
    const lie = { ...usage, wallSeconds: 1e9 };
    assert.equal(reportedRuntime(report({ usage: lie }), started, AT), 60);
    const ages = { startedSeconds: 55, finishedSeconds: 15 };
    assert.equal(reportedRuntime(report({ ages }), started, AT), 40);
    assert.equal(reportedRuntime(report({ usage }), row({}), AT), null);
  });
});
