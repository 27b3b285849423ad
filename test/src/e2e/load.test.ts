import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { Job } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";

const CLIENTS = 8;
const JOBS = 500;

describe("many jobs at once", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({ agents: 2 });
  });
  after(() => cluster.stop());

  it("all end with the right outcome", async () => {
    // Half of them succeed, the others fail with their own code.
    const scripts = ["exit 0\n", "exit 3\n"];
    const inputs = await Promise.all(
      scripts.map(async (script) => {
        const id = await cluster.submitScript(script);
        return (await cluster.job(id)).input;
      }),
    );
    const wanted = new Map<number, number>();
    const client = async (user: number): Promise<void> => {
      for (let n = user; n < JOBS; n += CLIENTS) {
        const which = n % 2;
        const answer = await cluster.request("/v1/jobs", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ user: `user-${user}`, input: inputs[which] }),
        });
        assert.equal(answer.status, 201);
        wanted.set(((await answer.json()) as Job).id, which === 0 ? 0 : 3);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, (_, user) => client(user)));
    assert.equal(wanted.size, JOBS);
    const ids = [...wanted.keys()];
    await Promise.all(
      ids.map(async (id) => {
        for (;;) {
          const job = (await (await cluster.request(`/v1/jobs/${id}/wait`)).json()) as Job;
          if (job.outcome === null) continue;
          assert.equal(job.outcome.exitCode, wanted.get(id), `job ${id}`);
          assert.equal(job.attempt >= 1, true);
          assert.notEqual(job.result, null);
          return;
        }
      }),
    );
  });
});
