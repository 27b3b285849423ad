import { readFileSync, readdirSync } from "node:fs";

import { isMarkedBy, type ProcessScope } from "./job-processes.js";
import {
  identifyProcess,
  isChangingProgram,
  parseProcess,
  type ProcessId,
} from "./process-table.js";

/** So many passes in a row without a new process, before nothing more is looked for. */
const QUIET_PASSES = 3;
/** The event loop is blocked meanwhile. */
const MAX_MS = 50;

/** What a hunt has found. */
export interface Hunt {
  readonly found: readonly ProcessId[];
  /** False when there may be others, which could not be looked at in time. */
  readonly isCertain: boolean;
}

/**
 * Looks for processes of an attempt that may start others and end faster than they can be listed without
 * blocking. Each pass looks at the ids that are new since the last one. The kernel lists ids in the order in
 * which it gives them out, so the next of a chain is listed after the one that has started it.
 *
 * @param stop whether each gets STOP as soon as it is found, so that it starts no other; otherwise the
 *   first that are found are enough
 * @throws the system's error when processes cannot be listed
 */
export function huntProcesses(scope: ProcessScope, stop: boolean): Hunt {
  if (process.platform !== "linux") return { found: [], isCertain: true };
  const found: ProcessId[] = [];
  const known = new Set([process.pid]);
  const untilMs = performance.now() + MAX_MS;
  let quiet = 0;
  while (quiet < QUIET_PASSES && performance.now() < untilMs) {
    const { ours, isCertain } = pass(scope, known, stop);
    found.push(...ours);
    if (!stop && found.length > 0) break;
    quiet = isCertain && ours.length === 0 ? quiet + 1 : 0;
  }
  return { found, isCertain: quiet === QUIET_PASSES };
}

/** Looks at each process that is not known, the newest first, and adds what it can tell to the known ones. */
function pass(scope: ProcessScope, known: Set<number>, stop: boolean) {
  const ours: ProcessId[] = [];
  let isCertain = true;
  for (const name of readdirSync("/proc").toReversed()) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || known.has(pid)) continue;
    const kind = kindOf(pid, scope);
    if (kind === "unknown") isCertain = false;
    else known.add(pid);
    if (kind !== "ours") continue;
    if (stop) sendStop(pid);
    ours.push(identifyProcess(pid));
  }
  return { ours, isCertain };
}

/** Nothing can be told of a process that has ended meanwhile. */
function kindOf(pid: number, scope: ProcessScope): "ours" | "stranger" | "unknown" {
  try {
    const environment = readEnvironment(pid);
    if (isMarkedBy(environment, scope)) return "ours";
    if (environment !== "" && scope.group === null) return "stranger";
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const info = parseProcess(pid, stat);
    if (info === null) return "stranger";
    if (scope.group !== null && scope.group.membersOf([info]).length > 0) return "ours";
    return environment === "" && isChangingProgram(stat) ? "unknown" : "stranger";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ESRCH" ? "unknown" : "stranger";
  }
}

/** Empty for what has no memory: kernel threads, and processes that are ending. */
function readEnvironment(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return "";
    throw error;
  }
}

function sendStop(pid: number): void {
  try {
    process.kill(pid, "SIGSTOP");
  } catch {
    // It has ended.
  }
}
