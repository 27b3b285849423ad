import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { isTerminal, type Job, type JobEvent } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { stopWithoutLeftovers } from "../support/leftovers.js";
import { findProcesses } from "../support/processes.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const JOBS = 300;
const AT_ONCE = 6;

describe("cancelling just as jobs end", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({ agents: 2 });
  });
  afterEach(() => stopWithoutLeftovers(cluster));

  it(`${JOBS} times gives one outcome each, and leaves nothing alive`, async (t) => {
    const directory = await cluster.makeJob({ "run.sh": "sleep 0.0$((RANDOM % 8))\n" });
    const first = Number(await cluster.ok(["submit", directory]));
    const { input } = await cluster.job(first);
    const ids: number[] = [];
    const race = async (): Promise<void> => {
      while (ids.length < JOBS) {
        const slot = ids.push(0) - 1;
        const answer = await cluster.request("/v1/jobs", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ input }),
        });
        const { id } = (await answer.json()) as Job;
        ids[slot] = id;
        await delay(Math.random() * 120);
        const cancelled = await cluster.request(`/v1/jobs/${id}/cancel`, { method: "POST" });
        assert.equal(cancelled.status, 200);
        await cluster.request(`/v1/jobs/${id}/wait?timeoutSeconds=30`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, race));
    const outcomes = new Map<string, number>();
    for (const id of ids) {
      const job = (await (await cluster.request(`/v1/jobs/${id}`)).json()) as Job;
      const events = (await (await cluster.request(`/v1/jobs/${id}/events`)).json()) as {
        items: JobEvent[];
      };
      const ends = events.items.filter(
        ({ type, status }) => type === "status" && isTerminal(status),
      );
      assert.deepEqual(
        ends.map(({ status }) => status),
        [job.status],
      );
      assert.ok(job.status === "completed" || job.status === "cancelled", job.status);
      outcomes.set(job.status, (outcomes.get(job.status) ?? 0) + 1);
    }
    assert.equal(outcomes.size, 2, "both ends happen");
    for (const agent of ["agent-1", "agent-2"]) {
      const attempts = join(cluster.root, agent, "attempts");
      await waitUntil("it is empty", async () => (await readdir(attempts)).length === 0);
      assert.deepEqual(await findProcesses(attempts), []);
    }
    shows(t, "one-outcome-per-job", { what: "cancels just as jobs end", times: JOBS });
  });
});
