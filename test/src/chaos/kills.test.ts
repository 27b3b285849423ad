import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import type { Job } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { Cluster } from "../support/cluster.js";
import { jobArchive, uploadOf } from "../support/direct-submits.js";
import { shows } from "../support/shows.js";
import { counted, startsOf } from "../support/starts.js";
import { waitUntil } from "../support/wait-until.js";

const KILLS = 12;
const AGENTS = 2;
const CLIENTS = 3;

describe("server and agents that are killed in turn", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({
      agents: AGENTS,
      server: {
        JOBCTL_AGENT_POLL_SECONDS: "1",
        JOBCTL_AGENT_DEAD_SECONDS: "10",
        JOBCTL_MAX_REQUEUES: String(KILLS),
      },
    });
  });
  after(() => cluster.stop());

  it(`${KILLS} times under load start no attempt twice, lose no job, and leave each one outcome`, async (t) => {
    const script = counted(cluster, "sleep 0.3; echo $JOBCTL_ATTEMPT > result.txt");
    const { headers, body } = uploadOf(jobArchive(script));
    const ids: number[] = [];
    const over = new AbortController();
    const client = async (number: number): Promise<void> => {
      for (let n = 0; !over.signal.aborted; n += 1) {
        let id = 0;
        // Repeated with its key until it is answered: while the server is away nothing is.
        const init = {
          method: "POST",
          headers: { ...headers, "idempotency-key": `${number}-${n}` },
          body,
        };
        await waitUntil(
          "the submit is answered",
          async () => {
            const answer = await cluster.request("/v1/jobs", init).catch(() => null);
            if (answer === null || !answer.ok) return false;
            const job = (await answer.json().catch(() => null)) as Job | null;
            if (job === null) return false;
            id = job.id;
            return true;
          },
          60_000,
        );
        ids.push(id);
        await cluster.request(`/v1/jobs/${id}/wait?timeoutSeconds=2`).catch(() => null);
      }
    };
    const clients = Array.from({ length: CLIENTS }, (_, n) => client(n));
    try {
      for (let kill = 0; kill < KILLS; kill += 1) {
        const begun = ids.length;
        await waitUntil("jobs have been taken since", () => ids.length > begun + CLIENTS);
        const which = kill % (AGENTS + 1);
        if (which === 0) {
          await cluster.server.end("SIGKILL");
          await cluster.startServer();
        } else {
          await cluster.agents[which - 1]?.end("SIGKILL");
          await cluster.startAgent(which);
        }
      }
    } finally {
      over.abort();
    }
    await Promise.all(clients);
    const db = new Database(join(cluster.dataPath, "jobctl.db"), { readonly: true });
    const stored = db.prepare("SELECT id FROM jobs ORDER BY id").pluck().all();
    db.close();
    assert.deepEqual(
      stored,
      ids.toSorted((a, b) => a - b),
      "each submit has one job",
    );
    let again = 0;
    for (const id of ids) {
      await cluster.request(`/v1/jobs/${id}/wait?timeoutSeconds=60`);
      const job = (await (await cluster.request(`/v1/jobs/${id}`)).json()) as Job;
      assert.equal(job.status, "completed", `${id}: ${job.status}`);
      const starts = await startsOf(cluster, id);
      assert.equal(new Set(starts).size, starts.length, `${id}: ${starts.join()}`);
      assert.ok(starts.includes(`${id}.${job.attempt}`));
      const result = await cluster.request(`/v1/jobs/${id}/files/result.txt`);
      assert.equal(await result.text(), `${id}.${job.attempt}\n`);
      const lost = job.attempts.filter(({ endedAs }) => endedAs !== "collected");
      assert.equal(lost.length, job.attempt - 1, "only what was lost is run again");
      again += lost.length;
    }
    t.diagnostic(`${ids.length} jobs, ${again} attempts lost`);
    assert.ok(again > 0, "agents were killed while they ran jobs");
    const tried = { what: "kills of server and agents under load", times: KILLS };
    shows(t, "accepted-is-durable", tried);
    shows(t, "one-submit-one-job", tried);
    shows(t, "one-start-per-attempt", tried);
    shows(t, "one-outcome-per-job", tried);
  });
});
