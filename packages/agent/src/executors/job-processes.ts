import {
  ENDED,
  identifyProcess,
  isSameProcess,
  listProcesses,
  mapInBatches,
  mountSources,
  startEnvironment,
  type ProcessId,
  type ProcessInfo,
} from "./process-table.js";

/** What tells the processes of one attempt from all others. */
export interface ProcessScope {
  /** Process group of the main process; null when it is not known. */
  readonly group: ProcessGroup | null;
  readonly attemptId: string;
  /** The attempt's directory: it is in HOME and TMPDIR, or mounted, in every process of the job. */
  readonly directory: string;
}

/**
 * The process group of a job. Its id is the one of its leader, and the kernel gives that to others once
 * nothing of the group is left.
 */
export class ProcessGroup {
  readonly leader: ProcessId;
  readonly #exists: () => boolean;
  #isOver = false;

  /** @param exists whether anything of the group is left, which the kernel tells in one step */
  constructor(leader: ProcessId, exists = (): boolean => signalGroup(leader.pid, 0)) {
    this.leader = leader;
    this.#exists = exists;
  }

  /** Its members among some processes of the machine; none from the time on when nothing of it is left. */
  membersOf(some: readonly ProcessInfo[]): ProcessInfo[] {
    const { pid } = this.leader;
    const isTaken = some.some((found) => found.pid === pid && !isSameProcess(this.leader, found));
    this.#isOver ||= isTaken || !this.#exists();
    return this.#isOver ? [] : some.filter(({ groupId }) => groupId === pid);
  }

  /** KILL to all of it at once: none can start another meanwhile. */
  kill(): void {
    const { pid } = this.leader;
    const now = identifyProcess(pid);
    const isTaken = now.startTicks !== ENDED && !isSameProcess(this.leader, now);
    this.#isOver ||= isTaken || !this.#exists();
    if (!this.#isOver) signalGroup(pid, "SIGKILL");
  }
}

/**
 * Everything of an attempt that is alive: what is in its process group, and what has left it (setsid,
 * double fork), which still carries the attempt's environment. The idea of finding them by an environment
 * variable is the one that Jenkins' process tree killer made known.
 *
 * @throws the system's error when processes cannot be listed
 */
export async function findProcesses(scope: ProcessScope): Promise<ProcessId[]> {
  if (process.platform !== "linux") return findGroup(scope.group);
  const all = await listProcesses();
  const members = new Set(scope.group?.membersOf(all));
  const ours = await mapInBatches(all, async (info) => {
    if (info.pid === process.pid) return null;
    return members.has(info) || (await isMarked(info.pid, scope)) ? info : null;
  });
  return ours.filter((info) => info !== null);
}

async function isMarked(pid: number, scope: ProcessScope): Promise<boolean> {
  const environment = await startEnvironment(pid);
  if (!hasAttempt(environment, scope)) return false;
  return isMarkedBy(environment, scope) || seesDirectory(pid, scope.directory);
}

/** Whether an environment is the one that a job is started with. */
export function isMarkedBy(environment: string, scope: ProcessScope): boolean {
  return hasAttempt(environment, scope) && environment.includes(`${scope.directory}/`);
}

function hasAttempt(environment: string, { attemptId }: ProcessScope): boolean {
  return `\0${environment}`.includes(`\0JOBCTL_ATTEMPT=${attemptId}\0`);
}

/**
 * Whether a process in a mount namespace of its own has the attempt's workspace mounted. The kernel
 * names the source of a mount from the top of its file system, which may be below the machine's own.
 */
async function seesDirectory(pid: number, directory: string): Promise<boolean> {
  const mounts = await mountSources(pid);
  return mounts.some(
    (source) =>
      source.endsWith("/workspace") && directory.endsWith(source.slice(0, -"/workspace".length)),
  );
}

/** @returns whether there is such a group */
function signalGroup(groupId: number, signal: "SIGKILL" | 0): boolean {
  try {
    return process.kill(-groupId, signal);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Without /proc only the group is known, under the negative of its id. */
function findGroup(group: ProcessGroup | null): ProcessId[] {
  if (group === null) return [];
  const { pid } = group.leader;
  return signalGroup(pid, 0) ? [{ pid: -pid, startTicks: null }] : [];
}
