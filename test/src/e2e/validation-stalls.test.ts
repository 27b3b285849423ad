import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { isTerminal, type Job } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { HOSTILE_SCRIPTS } from "../support/hostile-scripts.js";

const TRIED = [
  ...["blank lines", "pipes", "process substitutions", "nested quotes", "arithmetic"],
  ...["here-documents", "one word", "comments", "nested pipes", "wrappers"],
];
/** Generous, for a busy machine; the benchmark prints how long a caller waits. */
const MAX_HEALTH_MS = 5000;
const LIMIT_MS = 400_000;

describe("scripts that are made to be slow to check", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({ agent: { JOBCTL_AGENT_SLOTS: "3" } });
  });
  after(() => cluster.stop());

  /** How long the agent takes to say how it is, again and again until it is enough. */
  async function slowestAnswer(isOver: () => boolean): Promise<number> {
    const url = `${cluster.agents[0]?.url}/health`;
    let slowestMs = 0;
    while (!isOver()) {
      const began = performance.now();
      const { status } = await fetch(url);
      assert.equal(status, 200);
      slowestMs = Math.max(slowestMs, performance.now() - began);
      await delay(20);
    }
    return slowestMs;
  }

  async function ended(id: number): Promise<string> {
    for (const until = performance.now() + LIMIT_MS; ; await delay(100)) {
      const response = await cluster.request(`/v1/jobs/${id}`);
      const { status } = (await response.json()) as Job;
      if (isTerminal(status)) return status;
      assert.ok(performance.now() < until, `job ${id} is ${status}`);
    }
  }

  it("end rejected or run, while the agent answers and other jobs go on", async (t) => {
    const other = await cluster.submitScript("for n in {1..30}; do echo $n; sleep 0.1; done");
    const hostile = new Map<string, number>();
    for (const name of TRIED) {
      const text = HOSTILE_SCRIPTS.get(name) ?? "";
      // What is accepted does nothing.
      const job = await cluster.makeJob({ "run.sh": `exit 0\n${text.slice(0, -10)}` });
      const id = await cluster.ok(["submit", job, "--no-validate"]);
      hostile.set(name, Number(id.trim()));
    }
    let isOver = false;
    const slowest = slowestAnswer(() => isOver);
    const statuses = await Promise.all(
      [...hostile].map(async ([name, id]) => [name, await ended(id)] as const),
    ).finally(() => (isOver = true));
    assert.ok((await slowest) < MAX_HEALTH_MS, `${await slowest} ms`);
    t.diagnostic(`slowest answer of /health: ${(await slowest).toFixed(0)} ms`);
    for (const [name, status] of statuses)
      assert.ok(["completed", "invalid"].includes(status), `${name}: ${status}`);
    assert.ok(statuses.filter(([, status]) => status === "invalid").length > 5);
    assert.equal(await ended(other), "completed");
    const last = await cluster.submitScript("true");
    assert.equal(await ended(last), "completed");
  });
});
