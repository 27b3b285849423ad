import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { Job, JobList } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { insertQueuedJobs } from "../support/insert-jobs.js";
import { waitUntil } from "../support/wait-until.js";

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

describe("a long queue", () => {
  const QUEUED = 20_000;
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({ agent: { JOBCTL_AGENT_SLOTS: "2" } });
    const id = await cluster.submitScript("true\n", "--wait");
    const { input } = await cluster.job(id);
    await cluster.server.end("SIGTERM");
    insertQueuedJobs(cluster, QUEUED, input);
    await cluster.startServer();
  });
  after(() => cluster.stop());

  it("keeps nobody waiting who has nothing running", async () => {
    const directory = await cluster.makeJob({ "run.sh": "true\n" });
    const env = { JOBCTL_USER: "newcomer" };
    const { exitCode, stderr } = await cluster.jobctl(["submit", directory, "--wait"], { env });
    assert.equal(exitCode, 0, stderr);
    const { items } = JSON.parse(
      await cluster.ok(["status", "--state", "queued", "--limit", "1", "--json"]),
    ) as JobList;
    assert.equal(items.length, 1);
  });

  it("is shown in pages, in the order of the turns", async () => {
    await cluster.ok(["agents", "drain", "agent-1"]);
    await waitUntil("nothing runs", async () => {
      const list = await cluster.ok([
        "status",
        "--state",
        "dispatched,running,collecting",
        "--json",
      ]);
      return (JSON.parse(list) as JobList).items.length === 0;
    });
    // Where jobs stand in a long queue may be some seconds old.
    let first: JobList["items"] = [];
    await waitUntil("the order is that of now", async () => {
      first = (await page("?limit=100")).items;
      return first[0]?.position === 1 && first[0].reason === "agents_draining";
    });
    assert.deepEqual(
      first.map(({ position }) => position),
      Array.from({ length: 100 }, (_, n) => n + 1),
    );
    // 50 users: each has had its turn before any of them has a second one.
    assert.equal(new Set(first.slice(0, 50).map(({ user }) => user)).size, 50);
    const second = await page("?limit=100&cursor=100");
    assert.equal(second.items[0]?.position, 101);
    assert.equal(second.nextCursor, "200");
    const { stdout, stderr } = await cluster.jobctl(["queue", "--limit", "3"]);
    assert.equal(stdout.trimEnd().split("\n").length, 4);
    assert.match(stderr, /^These are the first 3; there are more: --limit N shows them\.$/m);
  });

  async function page(query: string): Promise<JobList> {
    return (await (await cluster.request(`/v1/queue${query}`)).json()) as JobList;
  }
});
