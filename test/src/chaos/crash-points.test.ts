import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";

import { isTerminal } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { stopWithoutLeftovers } from "../support/leftovers.js";
import { findProcesses } from "../support/processes.js";
import { shows } from "../support/shows.js";
import { counted, startsOf } from "../support/starts.js";
import { waitUntil } from "../support/wait-until.js";

/** Each with the number of times that it is reached before what is meant. */
const SUBMIT_TO_END = [
  "blob.staged",
  "blob.stored",
  "submit.committed",
  "dispatch.claimed",
  "job.dispatched",
  "dispatch.sent",
  "job.running",
  "job.collecting",
  "collect.fetched",
  "blob.staged:2",
  "blob.stored:2",
  "job.completed",
  "collect.committed",
  "collect.acknowledged",
];

const CANCEL = ["cancel.requested", "cancel.delivered", "job.collecting", "job.cancelled"];

/** With the attempts that are started in all, by number. */
const AGENT: readonly [point: string, starts: readonly number[]][] = [
  ["attempt.unpacked", [1]],
  ["attempt.accepted", [2]],
  ["attempt.recorded", [2]],
  ["attempt.started", [1, 2]],
  ["attempt.exited", [1, 2]],
  ["attempt.packing", [1]],
  ["attempt.finished", [1]],
];

/** Two seconds on an idle machine, ten are promised; this one may be busy with other tests. */
const SOON_MS = 30_000;

const SETTINGS = { JOBCTL_AGENT_POLL_SECONDS: "1", JOBCTL_AGENT_DEAD_SECONDS: "15" };

describe("when the server dies exactly after a step", () => {
  let cluster: Cluster;
  afterEach(() => stopWithoutLeftovers(cluster));

  for (const point of SUBMIT_TO_END) {
    it(`${point}: one id, one start, one outcome, soon after the restart`, async (t) => {
      cluster = await Cluster.start({ server: { ...SETTINGS, JOBCTL_CRASH_POINT: point } });
      const directory = await cluster.makeJob({
        "run.sh": counted(cluster, "echo done > result.txt"),
      });
      const submitting = cluster.spawn(["submit", directory]);
      await diedOf(cluster, point);
      const restarted = performance.now();
      await cluster.startServer({ JOBCTL_CRASH_POINT: "" });
      const id = Number((await submitting).stdout);
      assert.equal(id, 1);
      await cluster.ok(["wait", String(id)]);
      assert.ok(performance.now() - restarted < SOON_MS);
      assert.deepEqual(await startsOf(cluster, id), [`${id}.1`]);
      await assertEndedOnce(cluster, id, "completed");
      await cluster.ok(["download", String(id), "-o", "out"]);
      assert.equal(await readFile(join(cluster.root, "out/result.txt"), "utf8"), "done\n");
      await assertNothingLeft(cluster);
      const tried = { what: "steps after which the server is killed", times: 1 };
      shows(t, "accepted-is-durable", tried);
      shows(t, "one-submit-one-job", tried);
      shows(t, "one-start-per-attempt", tried);
      shows(t, "one-outcome-per-job", tried);
      shows(t, "results-are-kept-until-stored", tried);
    });
  }

  for (const point of CANCEL) {
    it(`${point}: a cancelled job ends as cancelled`, async (t) => {
      cluster = await Cluster.start({ server: { ...SETTINGS, JOBCTL_CRASH_POINT: point } });
      const id = await cluster.submitScript(counted(cluster, "sleep 600"));
      await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
      const cancelling = cluster.spawn(["cancel", String(id)]);
      await diedOf(cluster, point);
      const restarted = performance.now();
      await cluster.startServer({ JOBCTL_CRASH_POINT: "" });
      await cancelling;
      const { exitCode } = await cluster.jobctl(["wait", String(id)]);
      assert.equal(exitCode, 103);
      assert.ok(performance.now() - restarted < SOON_MS);
      assert.deepEqual(await startsOf(cluster, id), [`${id}.1`]);
      await assertEndedOnce(cluster, id, "cancelled");
      assert.deepEqual(await findProcesses(join(cluster.root, `agent-1/attempts/${id}.`)), []);
      await assertNothingLeft(cluster);
      shows(t, "one-outcome-per-job", {
        what: "steps of a cancel after which the server is killed",
        times: 1,
      });
    });
  }
});

describe("when the agent dies exactly after a step", () => {
  let cluster: Cluster;
  afterEach(() => stopWithoutLeftovers(cluster));

  for (const [point, starts] of AGENT) {
    it(`${point}: attempts ${starts.join(" and ")} are started, each once`, async (t) => {
      cluster = await Cluster.start({
        server: SETTINGS,
        agent: { JOBCTL_CRASH_POINT: point },
      });
      const id = await cluster.submitScript(
        // The second start is not in a hurry to be over before the first has been cleaned up.
        counted(cluster, "sleep 0.2; echo $JOBCTL_ATTEMPT > result.txt"),
      );
      const agent = cluster.agents[0];
      assert.ok(agent);
      if (agent.child.signalCode === null) await once(agent.child, "exit");
      await cluster.startAgent(1, { JOBCTL_CRASH_POINT: "" });
      await cluster.ok(["wait", String(id)]);
      assert.deepEqual(
        await startsOf(cluster, id),
        starts.map((number) => `${id}.${number}`),
      );
      await assertEndedOnce(cluster, id, "completed");
      await cluster.ok(["download", String(id), "-o", "out"]);
      assert.equal(
        await readFile(join(cluster.root, "out/result.txt"), "utf8"),
        `${id}.${starts.at(-1)}\n`,
      );
      await assertNothingLeft(cluster);
      const tried = { what: "steps after which the agent is killed", times: 1 };
      shows(t, "one-start-per-attempt", tried);
      shows(t, "one-outcome-per-job", tried);
      shows(t, "results-are-kept-until-stored", tried);
    });
  }
});

async function diedOf(cluster: Cluster, point: string): Promise<void> {
  const { child } = cluster.server;
  if (child.signalCode === null && child.exitCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL", point);
}

async function assertEndedOnce(cluster: Cluster, id: number, status: string): Promise<void> {
  const { items } = JSON.parse(await cluster.ok(["events", String(id), "--json"]));
  const ends = items.filter(
    (event: { type: string; status: Parameters<typeof isTerminal>[0] }) =>
      event.type === "status" && isTerminal(event.status),
  );
  assert.deepEqual(
    ends.map((event: { status: string }) => event.status),
    [status],
  );
}

/** No attempt on the agent, no file that nobody refers to. */
async function assertNothingLeft(cluster: Cluster): Promise<void> {
  await waitUntil(
    "the agent has forgotten the attempts",
    async () => (await readdir(join(cluster.root, "agent-1/attempts"))).length === 0,
  );
  await waitUntil(
    "nothing is being written",
    async () => (await cluster.temporaryFiles()).length === 0,
  );
  const report = JSON.parse(await cluster.ok(["gc", "--json"]));
  assert.deepEqual(report.missing, []);
  // What a server wrote that died before the row is removed by the same call.
  const again = JSON.parse(await cluster.ok(["gc", "--json"]));
  assert.equal(again.blobs.count, 0);
}
