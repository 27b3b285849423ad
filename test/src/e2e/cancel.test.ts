import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Cluster } from "../support/cluster.js";
import { findProcesses } from "../support/processes.js";
import { waitUntil } from "../support/wait-until.js";

/** Ignores TERM, and so do its children, its grandchildren in the background, and a daemon. */
const STUBBORN = `
trap '' TERM
( trap '' TERM; ( trap '' TERM; while :; do sleep 1; done ) & while :; do sleep 1; done ) &
setsid bash -c "trap '' TERM; while :; do sleep 1; done" &
touch started
while :; do sleep 1; done
`;

describe("cancel", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({ agent: { JOBCTL_AGENT_SLOTS: "1" } });
  });
  after(() => cluster.stop());

  it("leaves nothing alive of a job that ignores TERM and has gone into the background", async () => {
    const id = await cluster.submitScript(STUBBORN);
    const attempt = join(cluster.root, `agent-1/attempts/${id}.1`);
    await waitUntil("the job has started everything", async () =>
      (await readdir(join(attempt, "workspace")).catch((): string[] => [])).includes("started"),
    );
    await waitUntil(
      "its processes are there",
      async () => (await findProcesses(attempt)).length >= 4,
    );
    await cluster.ok(["cancel", String(id), "--wait"]);
    assert.deepEqual(await findProcesses(attempt), []);
    const job = await cluster.job(id);
    assert.deepEqual([job.status, job.outcome?.reason], ["cancelled", "cancelled"]);
    assert.equal((await cluster.jobctl(["wait", String(id)])).exitCode, 103);
  });

  it("ends what a job leaves running when it ends by itself", async () => {
    const script =
      "setsid sleep 600 & (sleep 600 &) ; nohup sleep 600 > /dev/null 2>&1 &\nexit 0\n";
    const id = await cluster.submitScript(script, "--wait");
    assert.equal((await cluster.job(id)).status, "completed");
    assert.deepEqual(await findProcesses(join(cluster.root, `agent-1/attempts/${id}.1`)), []);
  });

  it("of a queued job is immediate", async () => {
    const running = await cluster.submitScript("sleep 600\n");
    const queued = await cluster.submitScript("echo never\n");
    await waitUntil(
      "the first one runs",
      async () => (await cluster.job(running)).status === "running",
    );
    const waiting = await cluster.job(queued);
    assert.deepEqual(
      [waiting.status, waiting.reason, waiting.position],
      ["queued", "agents_busy", 1],
    );
    const answer = JSON.parse(await cluster.ok(["cancel", String(queued), "--json"]));
    assert.deepEqual(answer.items, [{ id: queued, status: "cancelled", requested: true }]);
    assert.equal((await cluster.job(queued)).attempt, 0);
    await cluster.ok(["cancel", String(running), "--wait"]);
  });

  it("can be repeated, and comes too late without harm", async () => {
    const id = await cluster.submitScript("true\n", "--wait");
    const again = await cluster.jobctl(["cancel", String(id)]);
    assert.equal(again.exitCode, 0);
    assert.match(again.stderr, /had ended already: completed/);
    assert.equal((await cluster.job(id)).status, "completed");
    assert.equal((await cluster.jobctl(["cancel", "999999"])).exitCode, 102);
  });

  it("keeps what the job had written", async () => {
    const id = await cluster.submitScript("echo part > part.txt; echo said; sleep 600\n");
    await waitUntil("it has said something", async () => {
      return (await cluster.jobctl(["logs", String(id)])).stdout === "said\n";
    });
    await cluster.ok(["cancel", String(id), "--wait"]);
    await cluster.ok(["download", String(id), "-o", "cancelled"]);
    assert.ok((await readdir(join(cluster.root, "cancelled"))).includes("part.txt"));
  });
});
