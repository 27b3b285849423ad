import { chmod, chown, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";

import { Cluster, AGENT_TOKEN } from "./cluster.js";
import { ContainerAgents } from "./container-agent.js";
import { DaemonProcess } from "./daemon-process.js";
import { DelegatedGroups } from "./delegated-groups.js";
import { NARROW_LIMITS, NO_RULES } from "./escapes.js";
import { hasBubblewrap, hasDocker, unless } from "./requirements.js";
import { UNPRIVILEGED_ID, unprivilegedLaunch } from "./unprivileged-launch.js";
import { waitUntil } from "./wait-until.js";

/** A way of running an agent in which every attack on the sandbox is tried. */
export interface SandboxPlace {
  readonly name: string;
  /** Why it cannot be had on this machine; false when it can. */
  readonly skip: string | false;
  start(options?: PlaceOptions): Promise<PlacedCluster>;
}

/**
 * Every agent is started with this descriptor open on a directory of its own that has a file `inherited`,
 * as a careless service manager or shell may start one.
 */
export const INHERITED_DESCRIPTOR = 200;

/** Becomes a command, with the descriptor open on the directory. */
const INHERIT = ["bash", "-c", `cd / && exec ${INHERITED_DESCRIPTOR}< "$0" && exec "$@"`] as const;

interface PlaceOptions {
  /** Further variables of the server and of the agent. */
  readonly server?: Record<string, string>;
  readonly agent?: Record<string, string>;
}

/**
 * A server, and one agent that runs jobs in bubblewrap. All rules of the validator are off, the agent
 * has `NARROW_LIMITS`, and the service `online` has the network.
 */
export interface PlacedCluster {
  /** The agent is none of `cluster.agents`: it is told about below. */
  readonly cluster: Cluster;
  readonly agentUrl: string;
  /** As the agent sees itself. */
  readonly agentPid: number;
  /** As this machine numbers it. */
  readonly machinePid: number;
  /** As the agent sees it. */
  readonly dataPath: string;
  readonly tokenFile: string;
  readonly limits: typeof NARROW_LIMITS;
  /** Whether control groups limit jobs here; null where that depends on the machine. */
  readonly wholeJobLimits: boolean | null;
  /** The agent's log so far. */
  readonly agentLog: () => Promise<string>;
  /** Makes a file that the agent's user can read, and nobody else. @returns its path, as the agent sees it */
  readonly plantCanary: (content: string) => Promise<string>;
  /** Kills the agent and starts it again at the same address, with the same data. */
  readonly restartAgent: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const SERVER = {
  SERVICE_DEFAULT_RULES: NO_RULES,
  SERVICE_ONLINE_RULES: NO_RULES,
  SERVICE_ONLINE_NETWORK: "true",
};

const AGENT = {
  JOBCTL_AGENT_SANDBOX: "bubblewrap",
  JOBCTL_AGENT_SERVICES: "default,online",
  ...NARROW_LIMITS,
};

const isRoot = process.getuid?.() === 0;

/** An agent of root. */
export const rootPlace: SandboxPlace = {
  name: "an agent that runs as root",
  skip: unless("bubblewrap for root", () => isRoot && hasBubblewrap()),
  start: (options) => startOnMachine({ uid: 0, delegates: false, wholeJobLimits: null }, options),
};

/** An agent of an unprivileged user, without control groups; of the present one, where that is not root. */
export const userPlace: SandboxPlace = {
  name: "an agent that runs as an unprivileged user",
  skip: unless("bubblewrap", hasBubblewrap),
  start: (options) => {
    const uid = isRoot ? UNPRIVILEGED_ID : (process.getuid?.() ?? 0);
    return startOnMachine(
      { uid, delegates: false, wholeJobLimits: isRoot ? false : null },
      options,
    );
  },
};

/** An agent of an unprivileged user to which control groups have been handed over. */
export const delegatedPlace: SandboxPlace = {
  name: "an agent that runs as an unprivileged user with delegated control groups",
  skip: unless(
    "root with control groups to delegate",
    () => DelegatedGroups.canBeMade() && hasBubblewrap(),
  ),
  start: (options) =>
    startOnMachine({ uid: UNPRIVILEGED_ID, delegates: true, wholeJobLimits: true }, options),
};

/** An agent in the container that is shipped. */
export const containerPlace: SandboxPlace = {
  name: "an agent in its container",
  skip: unless("a Docker engine with compose", hasDocker),
  start: startInContainer,
};

interface Owner {
  readonly uid: number;
  readonly delegates: boolean;
  readonly wholeJobLimits: boolean | null;
}

async function startOnMachine(
  { uid, delegates, wholeJobLimits }: Owner,
  { server = {}, agent = {} }: PlaceOptions = {},
): Promise<PlacedCluster> {
  const undo = new Undo();
  try {
    const root = await mkdtemp(join(tmpdir(), "jobctl-place-"));
    undo.add(() => execa("rm", ["-rf", root]));
    await chmod(root, 0o711);
    const ownFile = async (name: string, content: string): Promise<string> => {
      const path = join(root, name);
      await writeFile(path, content, { mode: 0o600 });
      await chown(path, uid, uid);
      return path;
    };
    const tokenFile = await ownFile("agent.token", AGENT_TOKEN);
    const dataPath = join(root, "data");
    await mkdir(dataPath, { mode: 0o700 });
    if (isRoot) await chown(dataPath, uid, uid);
    let entrances: readonly string[] = [];
    if (delegates) {
      const groups = await DelegatedGroups.make(`jobctl-place-${process.pid}`, uid, uid);
      undo.add(() => groups.remove());
      entrances = groups.entrances;
    }
    const inherited = join(root, "inherited");
    await mkdir(inherited, { mode: 0o700 });
    if (isRoot) await chown(inherited, uid, uid);
    await ownFile("inherited/inherited", "canary");
    const direct = (main: string): readonly string[] => [process.execPath, main];
    const become = isRoot && uid !== 0 ? unprivilegedLaunch(root, entrances) : direct;
    const launch = (main: string): string[] => [...INHERIT, inherited, ...become(main)];
    const log = join(root, "agent.log");
    const startAgent = (port: string): Promise<DaemonProcess> =>
      DaemonProcess.start(
        "agent",
        {
          JOBCTL_AGENT_NAME: "agent-1",
          JOBCTL_AGENT_PORT: port,
          JOBCTL_AGENT_DATA_PATH: dataPath,
          JOBCTL_AGENT_TOKEN_FILE: tokenFile,
          JOBCTL_AGENT_SLOTS: "4",
          JOBCTL_AGENT_CPUS: "4",
          JOBCTL_AGENT_KILL_GRACE_SECONDS: "1",
          JOBCTL_DRAIN_SECONDS: "5",
          ...AGENT,
          ...agent,
        },
        log,
        launch,
      );
    let daemon = await startAgent("0");
    undo.add(() => daemon.end("SIGTERM"));
    const agentUrl = daemon.url;
    const cluster = await Cluster.start({
      agents: 0,
      agentUrls: [agentUrl],
      server: { ...SERVER, ...server },
    });
    undo.add(() => cluster.stop());
    let canaries = 0;
    return {
      ...{ cluster, agentUrl, dataPath, tokenFile, wholeJobLimits, limits: NARROW_LIMITS },
      get agentPid() {
        return daemon.pid;
      },
      get machinePid() {
        return daemon.pid;
      },
      agentLog: () => readFile(log, "utf8"),
      plantCanary: (content) => ownFile(`canary-${(canaries += 1)}`, content),
      restartAgent: async () => {
        await daemon.end("SIGKILL");
        daemon = await startAgent(new URL(agentUrl).port);
      },
      stop: () => undo.run(),
    };
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function startInContainer({
  server = {},
  agent = {},
}: PlaceOptions = {}): Promise<PlacedCluster> {
  const undo = new Undo();
  try {
    const root = await mkdtemp(join(tmpdir(), "jobctl-place-"));
    undo.add(() => execa("rm", ["-rf", root]));
    const dataPath = "/var/lib/jobctl";
    const container = await ContainerAgents.start(root, { ...AGENT, ...agent }, [
      ...INHERIT,
      dataPath,
    ]);
    await container.exec("sh", "-c", `echo canary > ${dataPath}/inherited`);
    undo.add(() => container.stop());
    const { agent: address, host } = await container.addresses();
    const agentUrl = `http://${address}:9000`;
    let machinePid = await container.agentPid();
    const cluster = await Cluster.start({
      agents: 0,
      agentUrls: [agentUrl],
      server: { ...SERVER, JOBCTL_HOST: host, ...server },
    });
    undo.add(() => cluster.stop());
    let canaries = 0;
    return {
      ...{ cluster, agentUrl, dataPath, limits: NARROW_LIMITS, wholeJobLimits: false },
      tokenFile: "/run/secrets/agent-token",
      agentPid: 7,
      get machinePid() {
        return machinePid;
      },
      agentLog: () => container.log(),
      plantCanary: async (content) => {
        const path = `${dataPath}/canary-${(canaries += 1)}`;
        await container.exec("sh", "-c", 'umask 077; printf %s "$1" > "$2"', "sh", content, path);
        return path;
      },
      restartAgent: async () => {
        const { RestartCount, State } = await container.inspect();
        process.kill(State.Pid, "SIGKILL");
        await waitUntil("the engine has started the container again", async () => {
          const now = await container.inspect();
          return now.RestartCount > RestartCount && now.State.Running;
        });
        await waitUntil("the agent answers again", async () =>
          fetch(`${agentUrl}/live`).then(
            ({ ok }) => ok,
            () => false,
          ),
        );
        machinePid = await container.agentPid();
      },
      stop: () => undo.run(),
    };
  } catch (error) {
    await undo.run();
    throw error;
  }
}

/** What has to be undone, the last first; each step is done even when one before it failed. */
class Undo {
  #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    const steps = this.#steps.toReversed();
    this.#steps = [];
    const errors: unknown[] = [];
    for (const step of steps) await step().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw new AggregateError(errors, "not everything could be undone");
  }
}
