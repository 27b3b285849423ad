import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { isTerminal } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { DaemonProcess } from "../support/daemon-process.js";
import { assertNoLeftovers } from "../support/leftovers.js";
import { waitUntil } from "../support/wait-until.js";

const AT_ONCE = 6;
const KILLS = 10;

describe("two agents on one data folder", () => {
  let cluster: Cluster;
  let started: DaemonProcess[];
  beforeEach(async () => {
    started = [];
    cluster = await Cluster.start();
  });
  afterEach(async () => {
    try {
      await assertNoLeftovers(cluster);
    } finally {
      for (const agent of started) await agent.end("SIGTERM");
      await cluster.stop();
    }
  });

  /** One more agent on a data folder. */
  const startOn = async (
    dataPath: string,
    name: string,
    extra: Record<string, string> = {},
  ): Promise<DaemonProcess> => {
    const settings = {
      JOBCTL_AGENT_NAME: name,
      JOBCTL_AGENT_PORT: "0",
      JOBCTL_AGENT_DATA_PATH: dataPath,
      JOBCTL_AGENT_TOKEN_FILE: join(cluster.root, "agent.token"),
      JOBCTL_AGENT_SANDBOX: "process",
      ...extra,
    };
    const agent = await DaemonProcess.start("agent", settings, join(cluster.root, `${name}.log`));
    started.push(agent);
    return agent;
  };

  it("the second is refused by name, and the jobs of the first go on", async () => {
    const go = join(cluster.root, "go");
    const id = await cluster.submitScript(`until [ -e ${go} ]; do sleep 0.05; done\n`);
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    const holder = new RegExp(`agent agent-1 \\(process ${cluster.agents[0]?.pid} on `);
    const { port } = new URL(cluster.agents[0]?.url ?? "");
    const folder = cluster.agentDataPath(1);
    await assert.rejects(startOn(folder, "agent-1", { JOBCTL_AGENT_PORT: port }), holder);
    await assert.rejects(startOn(folder, "other"), holder);
    await cluster.ok(["submit", await cluster.makeJob({ "run.sh": `touch ${go}\n` }), "--wait"]);
    await waitUntil("it has ended", async () => isTerminal((await cluster.job(id)).status));
    const { status, attempt } = await cluster.job(id);
    assert.deepEqual([status, attempt], ["completed", 1]);
  });

  it("of several that are started at once on a new folder one wins", async () => {
    const folder = join(cluster.root, "new");
    const names = Array.from({ length: AT_ONCE }, (_, n) => `new-${n}`);
    const ends = await Promise.allSettled(names.map((name) => startOn(folder, name)));
    const refusals = ends.filter((end) => end.status === "rejected");
    assert.equal(refusals.length, AT_ONCE - 1);
    for (const { reason } of refusals) assert.match(String(reason), /is running on .*new$/);
  });

  it("one that was killed frees the folder at once", async () => {
    for (let n = 0; n < KILLS; n += 1) {
      const agent = cluster.agents[0] as DaemonProcess;
      const gone = once(agent.child, "exit");
      agent.child.kill("SIGKILL");
      await gone;
      await cluster.startAgent(1);
    }
  });

  it("the first keeps a folder whose lock file was removed, and one that was made anew", async () => {
    const folder = cluster.agentDataPath(1);
    for (const lost of [join(folder, "agent.lock"), folder]) {
      await rm(lost, { recursive: true });
      if (lost === folder) await waitUntil("it is gone", () => isReady(cluster, 503));
      if (lost === folder) await mkdir(folder);
      await waitUntil("it is locked again", async () => existsSync(join(folder, "agent.lock")));
      await waitUntil("it is ready", () => isReady(cluster, 200));
      await assert.rejects(startOn(folder, "other"), /agent agent-1 .* is running on/);
    }
  });
});

async function isReady(cluster: Cluster, status: number): Promise<boolean> {
  return (await fetch(`${cluster.agents[0]?.url}/ready`)).status === status;
}
