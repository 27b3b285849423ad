import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";

import type { Agent, Job } from "@jobctl/protocol";

import { Cluster, type ClusterOptions } from "../support/cluster.js";
import { buildPreviousRelease, type ReleaseMains } from "../support/release.js";
import { shows } from "../support/shows.js";
import { counted, startsOf } from "../support/starts.js";
import { waitUntil } from "../support/wait-until.js";

describe("an upgrade from the previous release", () => {
  let directory: string;
  let previous: ReleaseMains;
  let cluster: Cluster;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "jobctl-release-"));
    previous = await buildPreviousRelease(join(directory, "previous"));
  });
  after(() => rm(directory, { recursive: true }));
  afterEach(() => cluster?.stop());

  /** What is started next: changes while a test runs. */
  let mains: { server?: string; agent?: string };
  const start = async (options: ClusterOptions): Promise<void> => {
    cluster = await Cluster.start({ ...options, mainOf: (kind) => mains[kind] });
  };

  /** A job that runs until it is let go. */
  const submitHeld = async (name: string): Promise<number> =>
    cluster.submitScript(
      counted(
        cluster,
        `until [ -e ${join(cluster.root, name)} ]; do sleep 0.05; done; echo $JOBCTL_ATTEMPT > result.txt`,
      ),
    );
  const letGo = (name: string): Promise<void> => writeFile(join(cluster.root, name), "");
  const isRunning = async (id: number, attempt = 1): Promise<boolean> => {
    const answer = await cluster.request(`/v1/jobs/${id}`);
    const { status, reason, ...job } = (await answer.json()) as Job;
    return status === "running" && job.attempt === attempt && reason === null;
  };
  const assertRanOnce = async (ids: readonly number[]): Promise<void> => {
    await cluster.ok(["wait", ...ids.map(String)]);
    for (const id of ids) await assertEnded(id, [1]);
  };
  const assertEnded = async (id: number, attempts: readonly number[]): Promise<void> => {
    const job = await cluster.job(id);
    assert.deepEqual([job.status, job.attempt], ["completed", attempts.at(-1)]);
    assert.deepEqual(
      await startsOf(cluster, id),
      attempts.map((attempt) => `${id}.${attempt}`),
    );
    const answer = await cluster.request(`/v1/jobs/${id}/files/result.txt`);
    assert.equal(await answer.text(), `${id}.${attempts.at(-1)}\n`);
  };

  /** With jobs that run, and others that wait for their slots. */
  const upgradeServer = async (): Promise<void> => {
    const ids: number[] = [];
    for (let n = 0; n < 4; n += 1) ids.push(await submitHeld("server-upgraded"));
    const running = ids.slice(0, 2);
    for (const id of running) await waitUntil(`job ${id} runs`, () => isRunning(id));
    await cluster.server.end("SIGTERM");
    delete mains.server;
    await cluster.startServer();
    for (const id of running) await waitUntil(`job ${id} still runs`, () => isRunning(id));
    for (const id of ids.slice(2)) assert.equal((await cluster.job(id)).status, "queued");
    await letGo("server-upgraded");
    await assertRanOnce(ids);
  };

  /** The first is drained before it is stopped, the second has a job that does not end in time. */
  const upgradeAgents = async (): Promise<void> => {
    delete mains.agent;
    await cluster.ok(["agents", "drain", "agent-2"]);
    const finishing = await submitHeld("agent-drained");
    await waitUntil("it runs on agent-1", () => isRunning(finishing));
    await cluster.ok(["agents", "drain", "agent-1"]);
    const waiting = await submitHeld("agent-drained");
    await letGo("agent-drained");
    await assertRanOnce([finishing]);
    await cluster.agents[0]?.end("SIGTERM");
    await cluster.startAgent(1);
    await cluster.ok(["agents", "resume", "agent-1"]);
    await assertRanOnce([waiting]);
    assert.equal((await cluster.job(waiting)).agent, "agent-1");

    await cluster.ok(["agents", "drain", "agent-1"]);
    await cluster.ok(["agents", "resume", "agent-2"]);
    const interrupted = await submitHeld("agent-replaced");
    await waitUntil("it runs on agent-2", () => isRunning(interrupted));
    await cluster.agents[1]?.end("SIGTERM");
    await cluster.ok(["agents", "resume", "agent-1"]);
    await waitUntil("it runs again", () => isRunning(interrupted, 2));
    await cluster.startAgent(2);
    await letGo("agent-replaced");
    await cluster.ok(["wait", String(interrupted)]);
    await assertEnded(interrupted, [1, 2]);
  };

  for (const [first, upgrades] of [
    ["the server", [upgradeServer, upgradeAgents]],
    ["agents", [upgradeAgents, upgradeServer]],
  ] as const) {
    it(`of ${first} first loses no job, and starts no attempt twice`, async (t) => {
      mains = { ...previous };
      await start({
        agents: 2,
        server: { JOBCTL_AGENT_POLL_SECONDS: "1" },
        agent: { JOBCTL_AGENT_SLOTS: "1", JOBCTL_DRAIN_SECONDS: "1" },
      });
      await letGo("before");
      const earlier = await submitHeld("before");
      await assertRanOnce([earlier]);
      for (const upgrade of upgrades) {
        await upgrade();
        // Also what ended before can still be had.
        await assertEnded(earlier, [1]);
      }
      await waitUntil("both agents are ready", async () => {
        const { items } = JSON.parse(await cluster.ok(["agents", "list", "--json"])) as {
          items: Agent[];
        };
        const ready = items.filter(({ state }) => state === "ready");
        return (
          ready
            .map(({ name }) => name)
            .toSorted()
            .join(" ") === "agent-1 agent-2"
        );
      });
      shows(t, "upgrades-keep-jobs", {
        what: `upgrades, ${first} first`,
        times: 1,
      });
    });
  }
});
