import { setTimeout as delay } from "node:timers/promises";

import { listProcesses, mountSources, startEnvironment } from "./process-table.js";

/** What tells the processes of one attempt from all others. */
export interface ProcessScope {
  /** Process group of the main process; null when it is not known. */
  readonly groupId: number | null;
  readonly attemptId: string;
  /** The attempt's directory: it is in HOME and TMPDIR, or mounted, in every process of the job. */
  readonly directory: string;
}

const CHECK_MS = 20;
/** A process that has been sent KILL and is still there after this time sits in the kernel. */
const UNKILLABLE_AFTER_MS = 30_000;

/**
 * Ends every process of an attempt: those in its process group, and those that left it (setsid,
 * double fork), which still carry the attempt's environment. The idea of finding them by an
 * environment variable is the one that Jenkins' process tree killer made known.
 *
 * @returns when none is alive
 * @throws when a process survives KILL
 */
export async function terminateProcesses(scope: ProcessScope, graceMs: number): Promise<void> {
  const killAt = performance.now() + graceMs;
  const giveUpAt = killAt + UNKILLABLE_AFTER_MS;
  const terminated = new Set<number>();
  for (;;) {
    const alive = await findProcesses(scope);
    if (alive.length === 0) return;
    const now = performance.now();
    if (now >= giveUpAt) throw new Error(`processes ${alive.join(", ")} do not end`);
    for (const pid of alive) {
      if (now >= killAt) send(pid, "SIGKILL");
      else if (!terminated.has(pid)) send(pid, "SIGTERM");
      terminated.add(pid);
    }
    await delay(CHECK_MS);
  }
}

/** Process ids of everything of an attempt that is alive. */
export async function findProcesses(scope: ProcessScope): Promise<number[]> {
  if (process.platform !== "linux") return findGroup(scope.groupId);
  const all = await listProcesses();
  const ours = await Promise.all(
    all.map(async ({ pid, groupId }) => {
      if (pid === process.pid) return null;
      if (groupId === scope.groupId) return pid;
      const environment = await startEnvironment(pid);
      const marked = `\0${environment}`.includes(`\0JOBCTL_ATTEMPT=${scope.attemptId}\0`);
      if (!marked) return null;
      const isOurs =
        environment.includes(`${scope.directory}/`) || (await seesDirectory(pid, scope.directory));
      return isOurs ? pid : null;
    }),
  );
  return ours.filter((pid) => pid !== null);
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
function findGroup(groupId: number | null): number[] {
  return groupId !== null && send(-groupId, 0) ? [-groupId] : [];
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
