import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Cluster } from "../support/cluster.js";
import type { DaemonProcess } from "../support/daemon-process.js";
import { FakeClock } from "../support/fake-clock.js";
import { findProcesses, killProcess } from "../support/processes.js";
import { fakeTimeLibrary } from "../support/requirements.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import { SmallVolume, canMount } from "../support/volumes.js";
import { waitUntil } from "../support/wait-until.js";
import { Target } from "./target.js";

const MEBIBYTE = 1024 ** 2;
const SERVER_VOLUME_BYTES = 128 * MEBIBYTE;
const AGENT_VOLUME_BYTES = 64 * MEBIBYTE;
const AGENTS = 2;
/** Silence after which an agent is lost. */
export const DEAD_SECONDS = 6;

const SETTINGS = {
  JOBCTL_AGENT_POLL_SECONDS: "1",
  JOBCTL_AGENT_DEAD_SECONDS: String(DEAD_SECONDS),
  JOBCTL_RECONCILE_SECONDS: String(DEAD_SECONDS),
  JOBCTL_BREAKER_OPEN_SECONDS: "5",
  // Disturbances are many: no job may end because of their number.
  JOBCTL_MAX_REQUEUES: "1000",
  SERVICE_DEFAULT_MAX_RUNS: "100",
  SERVICE_DEFAULT_RUNS_PER_USER: "100",
};

/** What lies below a daemon and can be disturbed. */
interface Ground {
  readonly volume: SmallVolume | null;
  readonly dataPath: string;
  readonly clock: FakeClock | null;
}

/** A cluster whose links, volumes and clocks can be disturbed. */
export class Stage {
  readonly cluster: Cluster;
  readonly server: Target;
  readonly agents: readonly Target[];
  readonly #home: string;

  private constructor(home: string, cluster: Cluster, [server, ...agents]: [Target, ...Target[]]) {
    this.#home = home;
    this.cluster = cluster;
    this.server = server;
    this.agents = agents;
  }

  static async set(): Promise<Stage> {
    const home = await mkdtemp(join(tmpdir(), "jobctl-soak-"));
    const ground = await layGround(home, "server", SERVER_VOLUME_BYTES);
    const agentGrounds: Ground[] = [];
    for (let n = 1; n <= AGENTS; n += 1)
      agentGrounds.push(await layGround(home, `agent-${n}`, AGENT_VOLUME_BYTES));
    const links: TcpProxy[] = [];
    const cluster = await Cluster.start({
      agents: AGENTS,
      via: async (url) => {
        const link = await TcpProxy.start(url);
        links.push(link);
        return link.url;
      },
      server: { ...SETTINGS, JOBCTL_DATA_PATH: ground.dataPath, ...ground.clock?.environment },
      agent: (n) => {
        const { dataPath, clock } = agentGrounds[n - 1] as Ground;
        return {
          JOBCTL_AGENT_DATA_PATH: dataPath,
          // Fewer than there are clients: some jobs wait.
          JOBCTL_AGENT_SLOTS: "3",
          ...clock?.environment,
        };
      },
    });
    const agents = agentGrounds.map((agentGround, index) => {
      const { url } = cluster.agents[index] as DaemonProcess;
      return new Target({
        ...agentGround,
        name: `agent-${index + 1}`,
        link: links.find((link) => link.target === url) as TcpProxy,
        daemon: () => cluster.agents[index] as DaemonProcess,
        start: () => cluster.startAgent(index + 1),
      });
    });
    const server = new Target({
      ...ground,
      name: "server",
      link: await TcpProxy.start(cluster.server.url),
      daemon: () => cluster.server,
      start: () => cluster.startServer(),
    });
    const targets: [Target, ...Target[]] = [server, ...agents];
    for (const target of targets) await target.noteOpenFiles();
    return new Stage(home, cluster, targets);
  }

  get targets(): readonly Target[] {
    return [this.server, ...this.agents];
  }

  /** Undoes what still disturbs anybody. */
  async calm(): Promise<void> {
    for (const target of this.targets) await target.calm();
  }

  /** Stops everything and removes it, also what jobs have left running. */
  async strike(): Promise<void> {
    await this.cluster.stop();
    for (const { link, volume, dataPath } of this.targets) {
      await link.stop();
      await endProcesses(dataPath);
      await volume?.remove();
    }
    await rm(this.#home, { recursive: true });
  }
}

async function endProcesses(dataPath: string): Promise<void> {
  await waitUntil(`no process of ${dataPath} is left`, async () => {
    const pids = await findProcesses(dataPath);
    for (const pid of pids) killProcess(pid);
    return pids.length === 0;
  });
}

async function layGround(home: string, name: string, sizeBytes: number): Promise<Ground> {
  const volume = canMount() ? await SmallVolume.mount(sizeBytes) : null;
  const library = fakeTimeLibrary();
  return {
    volume,
    dataPath: volume === null ? join(home, name) : join(volume.path, name),
    clock: library === null ? null : await FakeClock.create(join(home, `${name}.clock`)),
  };
}
