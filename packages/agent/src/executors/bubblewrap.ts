import { once } from "node:events";
import { access, constants, lstat, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

import { JobctlError } from "@jobctl/protocol";
import { execa } from "execa";

import {
  SANDBOX_TEMPORARY,
  SANDBOX_WORKSPACE,
  bubblewrapArguments,
  type SystemDirectory,
} from "./bubblewrap-arguments.js";
import { cleanStart } from "./clean-start.js";
import { findControlGroups, type ControlGroup, type ControlGroups } from "./control-group.js";
import type { Execution, Executor, Exit, StartRequest } from "./executor.js";
import { JobPipe } from "./job-pipe.js";
import { ProcessGroup, findProcesses, killSurvivors } from "./job-processes.js";
import { jobShell } from "./job-shell.js";
import { findKernelFiles, type KernelFiles } from "./kernel-files.js";
import {
  identifyProcess,
  isSameProcess,
  listProcesses,
  type ProcessId,
  type ProcessInfo,
} from "./process-table.js";
import { seccompFilter } from "./seccomp/seccomp-filter.js";
import { terminate, type Living } from "./terminate.js";
import { UsageMeter } from "./usage-meter.js";

const SYSTEM_DIRECTORIES = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

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
  const machine: Machine = {
    program: await findProgram("bwrap"),
    system: await findSystemDirectories(settings.readOnlyPaths),
    kernelFiles: await findKernelFiles(),
    filters: {
      offline: seccompFilter(process.arch, false),
      online: seccompFilter(process.arch, true),
    },
  };
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

/** What sandboxes are made of on this machine. */
interface Machine {
  /** Path of bubblewrap. */
  readonly program: string;
  readonly system: readonly SystemDirectory[];
  readonly kernelFiles: KernelFiles;
  /** Filters of system calls, for jobs without and with the network; null: there is none. */
  readonly filters: { readonly offline: Buffer | null; readonly online: Buffer | null };
}

/** Descriptors of bubblewrap, beside the usual three: all others are closed before it starts. */
const DESCRIPTORS = { arguments: 3, status: 4, variables: 5, filter: 6 } as const;

/** Exit code of the shell inside that could not let its job begin. */
const SHELL_GAVE_UP = 125;

/** PATH of programs that run outside the sandbox. */
const OUTER_PATH = "/usr/bin:/bin";

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

async function startInGroup(
  request: StartRequest,
  machine: Machine,
  group: ControlGroup | null,
): Promise<Execution> {
  const { attemptId, directory, environment, limits, network } = request;
  const filter = network ? machine.filters.online : machine.filters.offline;
  const sandbox = bubblewrapArguments({
    workspace: request.workspace,
    hostname: `job-${attemptId.replace(".", "-")}`,
    environment: environment.own,
    system: machine.system,
    kernelFiles: machine.kernelFiles,
    filterDescriptor: filter === null ? null : DESCRIPTORS.filter,
    tmpBytes: limits.tmpBytes,
    network,
  });
  const scope = { memoryIsGrouped: group !== null, hasOwnUser: true };
  const [shell = "", ...args] = cleanStart(DESCRIPTORS.filter, group?.entrances ?? [], [
    ...[machine.program, "--args", String(DESCRIPTORS.arguments)],
    ...["--json-status-fd", String(DESCRIPTORS.status)],
    ...jobShell(limits, scope, DESCRIPTORS.variables),
  ]);
  const child = execa(shell, args, {
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
  const pid = child.pid;
  if (pid === undefined) throw (await child).cause;
  const outer = identifyProcess(pid);
  const meter = new UsageMeter(pid, group);
  const descriptors = child.stdio as unknown as readonly Duplex[];
  const pipeTo = (descriptor: number): Duplex => {
    const end = descriptors[descriptor] as Duplex;
    // The exit event reports that bubblewrap has ended.
    end.on("error", () => {});
    return end;
  };
  const pipe = new JobPipe(pipeTo(DESCRIPTORS.variables));
  pipeTo(DESCRIPTORS.arguments).end(sandbox.map((argument) => `${argument}\0`).join(""));
  pipeTo(DESCRIPTORS.filter).end(filter ?? "");
  const status = new SandboxStatus(pipeTo(DESCRIPTORS.status));
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
  return {
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    terminate: async (graceMs, onTrouble) => {
      // Resolves at once unless bubblewrap is still starting or was killed.
      const init = await Promise.race([status.init, delay(STATUS_MS, null, { ref: false })]);
      if (init === null) {
        pipe.withhold();
        const marked = { group: new ProcessGroup(outer), attemptId, directory };
        const find = async () => ({ alive: await findProcesses(marked), told: [] });
        await terminate({ find, graceMs: 0, onTrouble });
      } else {
        const find = async () => livingIn(outer, init, await listProcesses());
        await terminate({ find, graceMs, onTrouble });
      }
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

/**
 * bubblewrap passes on the death of the job by a signal as a shell does, as exit code 128+n, so a job
 * that ends itself with such a code is taken for killed.
 */
function decodeExit(exitCode: number | null, signal: string | null): Omit<Exit, "begun"> {
  const name = exitCode === null ? undefined : SIGNALS.get(exitCode - 128);
  return name === undefined ? { exitCode, signal } : { exitCode: null, signal: name };
}

/** Signals that end a process by default, by number, as on every Linux that Node runs on. */
const SIGNALS = new Map([
  [1, "SIGHUP"],
  [2, "SIGINT"],
  [3, "SIGQUIT"],
  [4, "SIGILL"],
  [5, "SIGTRAP"],
  [6, "SIGABRT"],
  [7, "SIGBUS"],
  [8, "SIGFPE"],
  [9, "SIGKILL"],
  [10, "SIGUSR1"],
  [11, "SIGSEGV"],
  [12, "SIGUSR2"],
  [13, "SIGPIPE"],
  [14, "SIGALRM"],
  [15, "SIGTERM"],
  [24, "SIGXCPU"],
  [25, "SIGXFSZ"],
  [31, "SIGSYS"],
]);

/** After the end of bubblewrap, for what it has written to arrive. */
const STATUS_MS = 1000;

/**
 * What bubblewrap tells of a sandbox: the id of its first process, and, only when everything was set up, how
 * it ended. The pipe is read to its end: bubblewrap would be killed by writing to a closed one.
 */
class SandboxStatus {
  /** As seen from here; everything else in the sandbox dies with it. Null when there never was one. */
  readonly init: Promise<ProcessId | null>;
  readonly #ended: Promise<void>;
  #text = "";

  constructor(source: Readable) {
    this.init = new Promise((resolve) => {
      source.on("data", (chunk: Buffer) => {
        this.#text += chunk.toString("utf8");
        const initPid = /"child-pid": (\d+)/.exec(this.#text)?.[1];
        if (initPid !== undefined) resolve(identifyProcess(Number(initPid)));
      });
      source.on("error", () => resolve(null));
      source.on("end", () => resolve(null));
    });
    this.#ended = new Promise((resolve) => source.once("close", resolve));
  }

  /** To be asked when bubblewrap has ended by itself. */
  async wasSetUp(): Promise<boolean> {
    await Promise.race([this.#ended, delay(STATUS_MS)]);
    return this.#text.includes('"exit-code"');
  }
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

/** @throws JobctlError `sandbox_unavailable` */
async function findProgram(name: string): Promise<string> {
  for (const directory of (process.env["PATH"] ?? "/usr/bin:/bin").split(":")) {
    const path = join(directory, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  throw new JobctlError("sandbox_unavailable", "bubblewrap is not installed", {
    hint: "Install it (Debian, Ubuntu: apt install bubblewrap), or accept jobs without a sandbox with JOBCTL_AGENT_SANDBOX=process.",
  });
}

async function findSystemDirectories(readOnlyPaths: readonly string[]): Promise<SystemDirectory[]> {
  const found: SystemDirectory[] = [];
  for (const path of [...SYSTEM_DIRECTORIES, ...readOnlyPaths]) {
    const stat = await lstat(path).catch(() => null);
    if (stat === null) continue;
    found.push({ path, linkTarget: stat.isSymbolicLink() ? await readlink(path) : null });
  }
  return found;
}

/** @throws JobctlError `sandbox_unavailable` with bubblewrap's own words */
async function tryOut(machine: Machine): Promise<void> {
  const filter = machine.filters.offline;
  const sandbox = bubblewrapArguments({
    workspace: "/usr",
    hostname: "probe",
    environment: {},
    system: machine.system,
    kernelFiles: machine.kernelFiles,
    filterDescriptor: filter === null ? null : DESCRIPTORS.arguments,
    tmpBytes: 4096,
    network: false,
  });
  const command = [machine.program, ...sandbox, "true"];
  const [shell = "", ...args] = cleanStart(DESCRIPTORS.arguments, [], command);
  const { failed, stderr } = await execa(shell, args, {
    env: { PATH: OUTER_PATH },
    extendEnv: false,
    reject: false,
    stdio: ["ignore", "pipe", "pipe", [filter ?? new Uint8Array()]],
  });
  if (!failed) return;
  throw new JobctlError(
    "sandbox_unavailable",
    `bubblewrap cannot make a sandbox here: ${stderr.trim()}`,
    {
      hint: "Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0; in a container a seccomp profile that permits them), or accept jobs without a sandbox with JOBCTL_AGENT_SANDBOX=process.",
    },
  );
}
