import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";

import { Cluster } from "../support/cluster.js";
import { FakeClock } from "../support/fake-clock.js";
import { stopWithoutLeftovers } from "../support/leftovers.js";
import { findProcesses } from "../support/processes.js";
import { fakeTimeLibrary, hasBubblewrap, unless } from "../support/requirements.js";
import { waitUntil } from "../support/wait-until.js";

/** Ignores TERM, with a daemon in the background that does so too. */
const STUBBORN = `
trap '' TERM
setsid bash -c "trap '' TERM; while :; do sleep 0.1; done" &
echo ready
while :; do sleep 0.1; done
`;

const EXECUTORS = [
  { name: "process", skip: false as const },
  { name: "bubblewrap", skip: unless("bubblewrap", hasBubblewrap) },
];

for (const { name, skip } of EXECUTORS) {
  describe(`a job of the ${name} executor that ignores TERM`, { skip }, () => {
    let cluster: Cluster;
    afterEach(() => stopWithoutLeftovers(cluster));

    const isReady = async (id: number): Promise<boolean> =>
      (await cluster.jobctl(["logs", String(id)])).stdout === "ready\n";
    const logged = async (event: string): Promise<boolean> =>
      (await readFile(join(cluster.root, "agent-1.log"), "utf8")).includes(`"event":"${event}"`);

    it(
      "is killed although the agent's clocks jump in the grace time",
      { skip: unless("faketime", () => fakeTimeLibrary() !== null) },
      async () => {
        cluster = await Cluster.start({
          agent: { JOBCTL_AGENT_SANDBOX: name, JOBCTL_AGENT_KILL_GRACE_SECONDS: "5" },
        });
        const clock = await FakeClock.create(join(cluster.root, "clock"), { monotonic: true });
        await cluster.agents[0]?.end("SIGTERM");
        await cluster.startAgent(1, clock.environment);
        const id = await cluster.submitScript(STUBBORN);
        await waitUntil("it is ready", () => isReady(id));
        await cluster.ok(["cancel", String(id)]);
        await waitUntil("it is told to end", () => logged("attempt_stopping"));
        await clock.set(3600);
        await cluster.ok(["cancel", String(id)]);
        const { exitCode } = await cluster.jobctl(["wait", String(id), "--timeout", "20s"]);
        assert.equal(exitCode, 103);
        assert.deepEqual(await findProcesses(join(cluster.root, "agent-1/attempts")), []);
        assert.equal((await cluster.job(id)).outcome?.reason, "cancelled");
      },
    );
  });
}
