import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { Cluster } from "../support/cluster.js";
import { FakeClock } from "../support/fake-clock.js";
import { stopWithoutLeftovers } from "../support/leftovers.js";
import { findProcesses } from "../support/processes.js";
import { fakeTimeLibrary, hasBubblewrap, unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

/** Ignores TERM, with a daemon in the background that does so too. */
const STUBBORN = `
trap '' TERM
setsid bash -c "trap '' TERM; while :; do sleep 0.1; done" &
echo ready
while :; do sleep 0.1; done
`;

/** Twice the grace time of the agent that is stopped. */
const STOPPED_MS = 2000;

/** In which each chain has many links. */
const CHAIN_MS = 1000;

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
      async (t) => {
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
        const { exitCode } = await cluster.jobctl(["wait", String(id), "--timeout", "60s"]);
        assert.equal(exitCode, 103);
        assert.deepEqual(await findProcesses(join(cluster.root, "agent-1/attempts")), []);
        assert.equal((await cluster.job(id)).outcome?.reason, "cancelled");
        shows(t, "nothing-outlives-a-job", {
          what: "jobs that ignore TERM while the agent's clocks jump",
          times: 1,
        });
      },
    );

    it("is killed although the agent is stopped for longer than the grace time", async (t) => {
      cluster = await Cluster.start({
        agent: { JOBCTL_AGENT_SANDBOX: name, JOBCTL_AGENT_KILL_GRACE_SECONDS: "1" },
      });
      const id = await cluster.submitScript(STUBBORN);
      await waitUntil("it is ready", () => isReady(id));
      await cluster.ok(["cancel", String(id)]);
      await waitUntil("it is told to end", () => logged("attempt_stopping"));
      const agent = cluster.agents[0]?.child;
      agent?.kill("SIGSTOP");
      await delay(STOPPED_MS);
      agent?.kill("SIGCONT");
      await cluster.jobctl(["cancel", String(id)]);
      const { exitCode } = await cluster.jobctl(["wait", String(id), "--timeout", "60s"]);
      assert.equal(exitCode, 103);
      assert.deepEqual(await findProcesses(join(cluster.root, "agent-1/attempts")), []);
      shows(t, "nothing-outlives-a-job", {
        what: "jobs that ignore TERM while the agent is stopped",
        times: 1,
      });
    });
  });
}

/**
 * A chain of shells that ignore TERM, of which each starts the next and ends, and notes that it has run. It
 * ends by itself.
 *
 * @param start what the next is started with
 */
function chain(start: string, notes: string): string {
  return `
export LINK='trap "" TERM; echo >> ${notes}; [ "$(date +%s)" -gt "$END" ] || ${start} sh -c "$LINK" & exit'
export END=$(($(date +%s) + 90))
trap '' TERM
sh -c "$LINK" > /dev/null 2>&1 < /dev/null
sleep 1000
`;
}

describe("a job of the process executor whose processes replace themselves", () => {
  let cluster: Cluster;
  afterEach(() => stopWithoutLeftovers(cluster));

  for (const [where, start] of [
    ["in its process group", ""],
    ["in a session of its own each", "setsid"],
  ] as const)
    it(`${where} is over when it is cancelled`, async (t) => {
      cluster = await Cluster.start({
        agent: { JOBCTL_AGENT_SANDBOX: "process", JOBCTL_AGENT_KILL_GRACE_SECONDS: "1" },
      });
      const notes = join(cluster.root, "notes");
      const links = async (): Promise<number> => (await readFile(notes).catch(() => "")).length;
      const id = await cluster.submitScript(chain(start, notes));
      await waitUntil("the chain is long", async () => (await links()) > 50);
      await cluster.ok(["cancel", String(id)]);
      const { exitCode } = await cluster.jobctl(["wait", String(id), "--timeout", "60s"]);
      assert.equal(exitCode, 103);
      const before = await links();
      await delay(CHAIN_MS);
      assert.equal(await links(), before);
      shows(t, "nothing-outlives-a-job", {
        what: "cancels of jobs whose processes replace themselves",
        times: 1,
      });
    });
});

describe(
  "a sandbox that is killed from outside",
  { skip: unless("bubblewrap", hasBubblewrap) },
  () => {
    let cluster: Cluster;
    afterEach(() => stopWithoutLeftovers(cluster));

    it("before its job begins is the machine's trouble: the job is queued again", async (t) => {
      cluster = await Cluster.start();
      const programs = join(cluster.root, "programs");
      await cluster.makeProgram(
        join(programs, "bwrap"),
        `if rm ${cluster.root}/kill 2> /dev/null; then kill -KILL $$; fi\nexec /usr/bin/bwrap "$@"\n`,
      );
      await cluster.agents[0]?.end("SIGTERM");
      await cluster.startAgent(1, {
        JOBCTL_AGENT_SANDBOX: "bubblewrap",
        PATH: `${programs}:${process.env["PATH"]}`,
      });
      await writeFile(join(cluster.root, "kill"), "");
      const id = await cluster.submitScript("echo done\n");
      await cluster.jobctl(["wait", String(id)]);
      const { status, outcome, attempts } = await cluster.job(id);
      assert.deepEqual([status, outcome?.reason], ["completed", "exited"]);
      assert.deepEqual(
        attempts.map(({ endedAs }) => endedAs),
        ["refused", "collected"],
      );
      const events = await cluster.ok(["events", String(id)]);
      assert.match(events, /agent_refused\s.*SIGKILL before the job had begun/);
      shows(t, "machine-trouble-fails-no-job", {
        what: "a sandbox that is killed before its job begins",
        times: 1,
      });
    });
  },
);
