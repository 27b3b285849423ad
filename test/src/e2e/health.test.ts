import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import type { Health } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { Cluster } from "../support/cluster.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const LIVE = ["/live", "/health/live"];
const READY = ["/ready", "/health/ready"];

describe("health", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({
      agents: 2,
      server: { JOBCTL_AGENT_POLL_SECONDS: "1", JOBCTL_GC_SECONDS: "1" },
    });
  });
  after(() => cluster.stop());

  const ask = async (path: string): Promise<{ status: number; health: Health }> => {
    const answer = await fetch(cluster.server.url + path);
    return { status: answer.status, health: (await answer.json()) as Health };
  };
  const doctor = async (): Promise<{ exitCode: number; found: Map<string, string> }> => {
    const { exitCode, stdout } = await cluster.jobctl(["doctor", "--json"]);
    const { items } = JSON.parse(stdout) as { items: { check: string; status: string }[] };
    return { exitCode, found: new Map(items.map(({ check, status }) => [check, status])) };
  };

  it("tells what the server depends on, how old that is, and what it does in the background", async () => {
    await waitUntil("all is well", async () => {
      const { health } = await ask("/health");
      return health.status === "ok" && health.tasks["gc"]?.lastSuccessAt !== null;
    });
    for (const path of [...LIVE, ...READY, "/health"])
      assert.equal((await ask(path)).status, 200, path);
    const { health } = await ask("/ready");
    assert.deepEqual(Object.keys(health.checks), [
      ...["database", "disk", "eventLoop", "lease", "agents", "dispatcher", "poller", "breakers"],
      "blobs",
      "jobs",
    ]);
    assert.deepEqual(Object.keys(health.tasks), [
      ...["reconcile", "gc", "database_file", "optimize", "damage", "reserve"],
    ]);
    assert.ok((health.checks["poller"]?.ageSeconds ?? NaN) < 60);
    assert.ok((health.tasks["gc"]?.ageSeconds ?? NaN) < 60);
    assert.equal(health.database, "ok");
  });

  it("an agent that is away is a reason to look, not to send nothing", async () => {
    await cluster.agents[1]?.end("SIGKILL");
    await waitUntil("it is noticed", async () => {
      const { health } = await ask("/health");
      return health.checks["poller"]?.message === "1 of 2 agents are silent: agent-2";
    });
    const { status, health } = await ask("/ready");
    assert.deepEqual([status, health.status], [200, "degraded"]);
    assert.equal((await doctor()).found.get("server poller"), "warning");
    await cluster.startAgent(2);
    await waitUntil("all is well", async () => (await ask("/ready")).health.status === "ok");
  });

  it("a database that cannot be written makes the server live, not ready, and say so", async () => {
    const db = new Database(join(cluster.dataPath, "jobctl.db"));
    try {
      db.exec("BEGIN IMMEDIATE");
      const { status, health } = await ask("/ready");
      assert.deepEqual([status, health.status], [503, "unavailable"]);
      assert.match(health.database ?? "", /cannot be written: SQLITE_BUSY/);
      assert.equal((await ask("/health")).status, 503);
      for (const path of LIVE) assert.equal((await ask(path)).status, 200);
      const { exitCode, found } = await doctor();
      assert.deepEqual([exitCode, found.get("server database")], [1, "error"]);
    } finally {
      db.close();
    }
    assert.equal((await ask("/ready")).status, 200);
  });

  it("and it goes on when the database can be written again, with nothing lost", async (t) => {
    shows(t, "full-disks-lose-nothing");
    const running = await cluster.submitScript("sleep 1; echo done > result.txt\n");
    // More than there is room for: it is still queued when the database is locked.
    const queued = await cluster.submitScript("true\n", "--cpus", "4");
    const { pid } = cluster.server;
    const db = new Database(join(cluster.dataPath, "jobctl.db"));
    try {
      db.exec("BEGIN IMMEDIATE");
      const directory = await cluster.makeJob({ "run.sh": "true\n" });
      // It is tried again for a while, in which the agents report in vain.
      const refused = await cluster.jobctl(["submit", directory, "--json"]);
      assert.equal(refused.exitCode, 108);
      assert.match(refused.stdout, /"code":"database_unavailable"/);
    } finally {
      db.close();
    }
    await cluster.ok(["wait", String(running), String(queued)]);
    assert.deepEqual(
      (await Promise.all([running, queued].map((id) => cluster.job(id)))).map(
        ({ status, attempt }) => [status, attempt],
      ),
      [
        ["completed", 1],
        ["completed", 1],
      ],
    );
    assert.equal(cluster.server.pid, pid);
    assert.equal(cluster.server.child.exitCode, null);
  });

  it("a token that others can read is noticed", async () => {
    const file = join(cluster.root, "admin.token");
    await chmod(file, 0o644);
    assert.equal((await doctor()).found.get("token file"), "warning");
    await chmod(file, 0o600);
    const { exitCode, found } = await doctor();
    assert.equal(found.get("token file"), "ok");
    // Agents without a sandbox are warned of, and no more.
    assert.deepEqual([exitCode, found.get("agent agent-1")], [0, "warning"]);
  });
});
