import { once } from "node:events";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

import { execa } from "execa";

import {
  SANDBOX_TEMPORARY,
  SANDBOX_WORKSPACE,
  bubblewrapArguments,
} from "./bubblewrap-arguments.js";
import { OUTER_PATH, findMachine, tryOut, type Machine } from "./bubblewrap-machine.js";
import { cleanStart } from "./clean-start.js";
import { findControlGroups, type ControlGroup, type ControlGroups } from "./control-group.js";
import type { Execution, Executor, Exit, StartRequest } from "./executor.js";
import { decodeExit } from "./exit-status.js";
import { JobPipe } from "./job-pipe.js";
import { ProcessGroup, findProcesses } from "./job-processes.js";
import { jobShell } from "./job-shell.js";
import { killSurvivors } from "./kill-survivors.js";
import {
  identifyProcess,
  isSameProcess,
  listProcesses,
  type ProcessId,
  type ProcessInfo,
} from "./process-table.js";
import { STATUS_MS, SandboxStatus } from "./sandbox-status.js";
import { terminate, type Living } from "./terminate.js";
import { UsageMeter } from "./usage-meter.js";

export interface BubblewrapSettings {
  readonly agentName: string;
  /** Further directories that jobs see, read-only: software that is installed outside of /usr. */
  readonly readOnlyPaths: readonly string[];
}

/**
 * Runs each job in namespaces of its own, through bubblewrap: it sees the system's programs read-only,
 * its workspace and a private /tmp, its own processes, and no network unless its service has one.
 * It needs no privileges; where control groups can be written they limit and count the whole job,
 * elsewhere resource limits hold for each of its processes.
 */
export async function createBubblewrapExecutor(settings: BubblewrapSettings): Promise<Executor> {
  const machine = await findMachine(settings.readOnlyPaths);
  const groups = await findControlGroups();
  await tryOut(machine);
  await groups?.sweep(groupName(settings.agentName, ""));
  return {
    name: "bubblewrap",
    probe: () => tryOut(machine),
    capabilities: {
      isolatesFiles: true,
      isolatesNetwork: true,
      diesWithAgent: true,
      limitsWholeJob: groups !== null,
      filtersSystemCalls: machine.filters.offline !== null,
    },
    layout: () => ({ workspace: SANDBOX_WORKSPACE, temporary: SANDBOX_TEMPORARY }),
    start: (request) => start(request, machine, groups),
    terminateSurvivors: killSurvivors,
  };
}

/** Descriptors of bubblewrap, beside the usual three: all others are closed before it starts. */
const DESCRIPTORS = { arguments: 3, status: 4, variables: 5, filter: 6 } as const;

/** Exit code of the shell inside that could not let its job begin. */
const SHELL_GAVE_UP = 125;

function groupName(agentName: string, attemptId: string): string {
  return `jobctl-${agentName}-${attemptId}`;
}

async function start(
  request: StartRequest,
  machine: Machine,
  groups: ControlGroups | null,
): Promise<Execution> {
  const name = groupName(request.agentName, request.attemptId);
  const group = (await groups?.create(name, request.limits)) ?? null;
  try {
    return await startInGroup(request, machine, group);
  } catch (error) {
    await group?.remove();
    throw error;
  }
}

/** Starts bubblewrap, which waits for its arguments. */
function spawn(request: StartRequest, machine: Machine, group: ControlGroup | null) {
  const { attemptId, directory, limits } = request;
  const scope = { memoryIsGrouped: group !== null, hasOwnUser: true };
  const [shell = "", ...args] = cleanStart(DESCRIPTORS.filter, group?.entrances ?? [], [
    machine.program,
    "--args",
    String(DESCRIPTORS.arguments),
    "--json-status-fd",
    String(DESCRIPTORS.status),
    ...jobShell(limits, scope, DESCRIPTORS.variables),
  ]);
  return execa(shell, args, {
    // Nothing of the job's environment reaches a program that runs outside of the sandbox. The last two
    // mark bubblewrap itself as the attempt's, for `findProcesses()`.
    env: { PATH: OUTER_PATH, JOBCTL_ATTEMPT: attemptId, JOBCTL_DIRECTORY: `${directory}/` },
    extendEnv: false,
    detached: true,
    cleanup: false,
    buffer: false,
    reject: false,
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe", "pipe"],
  });
}

type Child = ReturnType<typeof spawn>;

/** The agent's end of one of the pipes to bubblewrap. */
function pipeTo(child: Child, descriptor: number): Duplex {
  const end = (child.stdio as unknown as readonly Duplex[])[descriptor] as Duplex;
  // The exit event reports that bubblewrap has ended.
  end.on("error", () => {});
  return end;
}

/** Tells bubblewrap which sandbox to make. */
function describeSandbox(child: Child, request: StartRequest, machine: Machine): void {
  const { attemptId, workspace, environment, limits, network } = request;
  const filter = network ? machine.filters.online : machine.filters.offline;
  const sandbox = bubblewrapArguments({
    workspace,
    hostname: `job-${attemptId.replace(".", "-")}`,
    environment: environment.own,
    system: machine.system,
    kernelFiles: machine.kernelFiles,
    filterDescriptor: filter === null ? null : DESCRIPTORS.filter,
    tmpBytes: limits.tmpBytes,
    network,
  });
  pipeTo(child, DESCRIPTORS.arguments).end(sandbox.map((argument) => `${argument}\0`).join(""));
  pipeTo(child, DESCRIPTORS.filter).end(filter ?? "");
}

async function startInGroup(
  request: StartRequest,
  machine: Machine,
  group: ControlGroup | null,
): Promise<Execution> {
  const { attemptId, directory, environment } = request;
  const child = spawn(request, machine, group);
  const pid = child.pid;
  if (pid === undefined) throw (await child).cause;
  const outer = identifyProcess(pid);
  const meter = new UsageMeter(pid, group);
  const pipe = new JobPipe(pipeTo(child, DESCRIPTORS.variables));
  describeSandbox(child, request, machine);
  const status = new SandboxStatus(pipeTo(child, DESCRIPTORS.status));
  // Only a job whose processes can be found, and ended, may begin.
  void status.init.then((init) => {
    if (init === null) pipe.withhold();
    else pipe.release(environment.given);
  });
  const exited = once(child, "exit").then(async ([exitCode, signal]): Promise<Exit> => {
    meter.stop();
    const mayHaveBegun = signal === null && exitCode !== SHELL_GAVE_UP;
    const begun = (await pipe.hasBegun()) || (mayHaveBegun && (await status.wasSetUp()));
    return { ...decodeExit(exitCode as number | null, signal as string | null), begun };
  });
  /** What is alive of the job, when asked. */
  const finder = async (): Promise<{ find: () => Promise<Living>; canTell: boolean }> => {
    // Resolves at once unless bubblewrap is still starting or was killed.
    const init = await Promise.race([status.init, delay(STATUS_MS, null, { ref: false })]);
    if (init !== null)
      return { find: async () => livingIn(outer, init, await listProcesses()), canTell: true };
    pipe.withhold();
    const marked = { group: new ProcessGroup(outer), attemptId, directory };
    return { find: async () => ({ alive: await findProcesses(marked), told: [] }), canTell: false };
  };
  return {
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    terminate: async (graceMs, onTrouble) => {
      const { find, canTell } = await finder();
      await terminate({ find, graceMs: canTell ? graceMs : 0, onTrouble });
      await meter.finish();
      await group?.remove();
    },
    kill: () => {
      pipe.withhold();
      if (child.exitCode === null && child.signalCode === null) killGroup(pid);
    },
    processes: async () => {
      const init = await status.init;
      if (init === null) return [];
      return insideOf(init.pid, await listProcesses()).map((info) => info.pid);
    },
    usage: () => meter.usage(),
  };
}

/** What runs inside is told to end; bubblewrap and its first process, when killed, take all of it along. */
function livingIn(outer: ProcessId, init: ProcessId, all: readonly ProcessInfo[]): Living {
  const hasInit = all.some((process) => isSameProcess(init, process));
  return {
    alive: all.filter((process) => isSameProcess(outer, process) || isSameProcess(init, process)),
    told: hasInit ? insideOf(init.pid, all) : [],
  };
}

/** Before the sandbox is set up its first process is still in the group of bubblewrap. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** Everything below the first process of the sandbox, which is bubblewrap's own. */
function insideOf(initPid: number, all: readonly ProcessInfo[]): ProcessInfo[] {
  const inside = new Set([initPid]);
  for (let before = 0; before !== inside.size;) {
    before = inside.size;
    for (const { pid, parentPid } of all) if (inside.has(parentPid)) inside.add(pid);
  }
  return all.filter(({ pid }) => pid !== initPid && inside.has(pid));
}
