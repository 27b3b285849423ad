import assert from "node:assert/strict";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import type { Leader } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { Cluster } from "../support/cluster.js";
import type { DaemonProcess } from "../support/daemon-process.js";
import { assertNoLeftovers } from "../support/leftovers.js";
import { shows } from "../support/shows.js";
import { counted, startsOf } from "../support/starts.js";
import { waitUntil } from "../support/wait-until.js";

const TAKE_OVERS = 50;

describe("two servers on one data directory", () => {
  let cluster: Cluster;
  let standby: DaemonProcess | null;
  beforeEach(async () => {
    standby = null;
    cluster = await Cluster.start({
      agents: 2,
      server: { JOBCTL_AGENT_POLL_SECONDS: "1", JOBCTL_AGENT_DEAD_SECONDS: "30" },
    });
  });
  afterEach(async () => {
    try {
      await assertNoLeftovers(cluster);
    } finally {
      await standby?.end("SIGTERM");
      await cluster.stop();
    }
  });

  const leader = async (url: string): Promise<Leader> =>
    JSON.parse(await cluster.ok(["admin", "leader", "--json", "--server", url])) as Leader;
  const ready = async (url: string): Promise<number> => (await fetch(`${url}/ready`)).status;

  it("the second stands by, says who is active, and takes over when that one dies", async (t) => {
    shows(t, "one-server-writes");
    standby = await cluster.startStandby();
    assert.equal((await fetch(`${standby.url}/live`)).status, 200);
    const health = (await (await fetch(`${standby.url}/health`)).json()) as { status: string };
    assert.deepEqual([await ready(standby.url), health.status], [503, "standby"]);
    const figures = await (await fetch(`${standby.url}/metrics`)).text();
    assert.match(figures, /^process_resident_memory_bytes \d/m);
    const before = await leader(cluster.server.url);
    assert.deepEqual(
      { ...(await leader(standby.url)), role: "active" },
      before,
      "both name the same holder",
    );
    const refused = await fetch(`${standby.url}/v1/jobs`, { headers: cluster.authorization });
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);

    const id = await cluster.submitScript(counted(cluster, "sleep 2; echo done"));
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    await cluster.server.end("SIGKILL");
    const { url } = standby;
    await waitUntil("the standby serves", async () => (await ready(url).catch(() => 0)) === 200);
    const after = await leader(url);
    assert.deepEqual([after.role, after.epoch], ["active", (before.epoch ?? 0) + 1]);
    await cluster.ok(["wait", String(id), "--server", url]);
    assert.deepEqual(await startsOf(cluster, id), [`${id}.1`]);
  });

  it("the second writes nothing while the first is only stopped", async (t) => {
    shows(t, "one-server-writes");
    standby = await cluster.startStandby();
    const database = join(cluster.dataPath, "jobctl.db");
    const state = (): unknown => {
      const db = new Database(database, { readonly: true });
      try {
        return [db.prepare("SELECT * FROM lease").all(), db.pragma("data_version")];
      } finally {
        db.close();
      }
    };
    const before = state();
    cluster.server.child.kill("SIGSTOP");
    try {
      // Longer than any time-out that could make the second believe that the first is gone.
      await delay(Number(process.env["JOBCTL_TEST_STOP_SECONDS"] ?? 30) * 1000);
      assert.equal(await ready(standby.url), 503);
      assert.deepEqual(state(), before);
    } finally {
      cluster.server.child.kill("SIGCONT");
    }
    const id = await cluster.submitScript("echo still here\n", "--wait");
    assert.equal(await cluster.ok(["logs", String(id)]), "still here\n");
  });

  it("a server that may not stand by refuses to start", async () => {
    await assert.rejects(
      cluster.startStandby({ JOBCTL_STANDBY: "false" }),
      /another jobctl server is running on/,
    );
  });

  it(`${TAKE_OVERS} take-overs under load lose no job and run none twice`, async (t) => {
    const ids: number[] = [];
    let refused = 0;
    const over = new AbortController();
    const directory = await cluster.makeJob({
      "run.sh": counted(cluster, "sleep 0.1; echo $JOBCTL_ATTEMPT > result.txt"),
    });
    const client = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const { exitCode, stdout, stderr } = await cluster.jobctl(["submit", directory]);
        // A client that never meets a server within its retries is told so, and has no id.
        if (exitCode === 0) ids.push(Number(stdout));
        else {
          assert.equal(exitCode, 108, stderr);
          refused += 1;
        }
      }
    };
    const clients = [client(), client()];
    try {
      let epoch = (await leader(cluster.server.url)).epoch ?? 0;
      for (let round = 0; round < TAKE_OVERS; round += 1) {
        // It has the same address, so that clients only have to try again.
        const next = cluster.startServer();
        await cluster.server.end(round % 2 === 0 ? "SIGKILL" : "SIGTERM");
        await next;
        const now = await leader(cluster.server.url);
        assert.equal(now.epoch, epoch + 1);
        epoch = now.epoch ?? 0;
        const before = ids.length;
        await waitUntil("a job has been taken", () => ids.length > before);
      }
    } finally {
      over.abort();
    }
    await Promise.all(clients);
    assert.ok(ids.length > TAKE_OVERS / 2, `${ids.length} jobs`);
    for (const id of ids) {
      await cluster.ok(["wait", String(id)]);
      assert.deepEqual(await startsOf(cluster, id), [`${id}.1`]);
    }
    const db = new Database(join(cluster.dataPath, "jobctl.db"), { readonly: true });
    const stored = db.prepare("SELECT count(*) FROM jobs").pluck().get() as number;
    db.close();
    // Of a submit that was given up there may be a job, too, but never two of one.
    assert.ok(stored >= ids.length && stored <= ids.length + refused, `${stored} jobs`);
    const tried = { what: "take-overs under load", times: TAKE_OVERS };
    shows(t, "one-server-writes", tried);
    shows(t, "one-start-per-attempt", tried);
    shows(t, "one-submit-one-job", tried);
  });
});
