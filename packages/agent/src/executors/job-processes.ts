import {
  isSameProcess,
  listProcesses,
  mapInBatches,
  mountSources,
  startEnvironment,
  type ProcessId,
  type ProcessInfo,
} from "./process-table.js";
import { terminate } from "./terminate.js";

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
 * nothing of the group is alive.
 */
export class ProcessGroup {
  readonly leader: ProcessId;
  #isOver = false;
  #wasEmpty = false;

  constructor(leader: ProcessId) {
    this.leader = leader;
  }

  /**
   * Its members among the processes of the machine; none from the time on when there was none. One empty look
   * tells nothing: a process that starts another and ends while they are listed hides both.
   */
  membersOf(all: readonly ProcessInfo[]): ProcessInfo[] {
    const { pid } = this.leader;
    const isTaken = all.some((found) => found.pid === pid && !isSameProcess(this.leader, found));
    const members = all.filter(({ groupId }) => groupId === pid);
    const isEmpty = members.length === 0;
    this.#isOver ||= isTaken || (isEmpty && this.#wasEmpty);
    this.#wasEmpty = isEmpty;
    return this.#isOver ? [] : members;
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

/** How long a start of the agent waits for what an earlier one has left, which gets KILL meanwhile. */
const SURVIVORS_MS = 30_000;

/**
 * Kills what an agent that was killed has left running of an attempt.
 *
 * @throws when something survives
 */
export async function killSurvivors(attempt: Omit<ProcessScope, "group">): Promise<void> {
  const scope = { ...attempt, group: null };
  let problem: Error | null = null;
  let isOver = false;
  const find = async () => {
    const alive = isOver ? [] : await findProcesses(scope);
    return { alive, told: [] };
  };
  const onTrouble = (error: Error): void => {
    problem = error;
  };
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_resolve, reject) => {
    const giveUp = (): void => {
      isOver = true;
      reject(problem ?? new Error(`processes of attempt ${attempt.attemptId} do not end`));
    };
    timer = setTimeout(giveUp, SURVIVORS_MS);
  });
  try {
    await Promise.race([terminate({ find, graceMs: 0, onTrouble }), timeUp]);
  } finally {
    clearTimeout(timer);
  }
}

async function isMarked(pid: number, { attemptId, directory }: ProcessScope): Promise<boolean> {
  const environment = await startEnvironment(pid);
  if (!`\0${environment}`.includes(`\0JOBCTL_ATTEMPT=${attemptId}\0`)) return false;
  return environment.includes(`${directory}/`) || seesDirectory(pid, directory);
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

/** Without /proc only the group is known, under the negative of its id. */
function findGroup(group: ProcessGroup | null): ProcessId[] {
  if (group === null) return [];
  const pid = -group.leader.pid;
  try {
    process.kill(pid, 0);
    return [{ pid, startTicks: null }];
  } catch {
    return [];
  }
}
