import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";

import { isResourceError } from "@jobctl/archive";

/** A process, told from a later one with the same id by its start. */
export interface ProcessId {
  readonly pid: number;
  /** In ticks since the machine started; null where that cannot be told, `ENDED` for one that is gone. */
  readonly startTicks: number | null;
}

/** A process as /proc shows it. */
export interface ProcessInfo extends ProcessId {
  readonly parentPid: number;
  readonly groupId: number;
  /** User and system time of the process, in seconds. */
  readonly cpuSeconds: number;
  /** The same for its children that have ended and been waited for. */
  readonly childrenCpuSeconds: number;
}

/** The kernel reports times in these (USER_HZ, fixed at 100 on every Linux that Node runs on). */
const TICKS_PER_SECOND = 100;

/** Files of /proc that are open at once: a machine may have more processes than an agent descriptors. */
const READS_AT_ONCE = 32;

/**
 * The processes of this machine that are alive: zombies are not. Empty where there is no /proc.
 *
 * @throws the system's error when they cannot be listed: then nobody knows what is alive
 */
export async function listProcesses(): Promise<ProcessInfo[]> {
  const names = await unlessHidden(readdir("/proc"), []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await mapInBatches(pids, readProcess);
  return found.filter((info) => info !== null);
}

/** Maps a list of processes, of which a few are looked at at once. */
export async function mapInBatches<T, R>(
  items: readonly T[],
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const mapped: R[] = [];
  for (let at = 0; at < items.length; at += READS_AT_ONCE)
    mapped.push(...(await Promise.all(items.slice(at, at + READS_AT_ONCE).map(map))));
  return mapped;
}

/** Null when it has ended. */
async function readProcess(pid: number): Promise<ProcessInfo | null> {
  return parseProcess(pid, await readProc(`/proc/${pid}/stat`, "latin1"));
}

/**
 * Reads what /proc tells of a process. One whose first thread has ended while others go on looks like a
 * zombie, and is alive.
 *
 * @returns null when it has ended
 */
export function parseProcess(pid: number, stat: string): ProcessInfo | null {
  const info = parseStat(stat);
  if (info === null || info.state === "X") return null;
  if (info.state === "Z" && info.threads <= 1) return null;
  const { parentPid, groupId, startTicks, cpuSeconds, childrenCpuSeconds } = info;
  return { pid, parentPid, groupId, startTicks, cpuSeconds, childrenCpuSeconds };
}

/** Set in the flags of a process that is the kernel's own (PF_KTHREAD). */
const KERNEL_THREAD = 0x00200000;

/** Whether a process is becoming another program at this moment: its environment is not there yet. */
export function isChangingProgram(stat: string): boolean {
  const info = parseStat(stat);
  return info !== null && (info.flags & KERNEL_THREAD) === 0 && info.environmentEnd === 0;
}

/** Start of a process that has ended before it could be looked at: no process has it. */
export const ENDED = -1;

/** A process as it is at this moment, for signals; also one that has ended and has not been waited for. */
export function identifyProcess(pid: number): ProcessId {
  if (process.platform !== "linux") return { pid, startTicks: null };
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
    return { pid, startTicks: stat?.startTicks ?? ENDED };
  } catch (error) {
    return { pid, startTicks: isResourceError(error) ? null : ENDED };
  }
}

/** Whether two descriptions may be of one process. */
export function isSameProcess(one: ProcessId, other: ProcessId): boolean {
  if (one.pid !== other.pid) return false;
  return one.startTicks === null || one.startTicks === other.startTicks;
}

/** Sends a signal to a process, and to no other that has its id by now. */
export function signalProcess(target: ProcessId, signal: NodeJS.Signals): void {
  if (!isSameProcess(target, identifyProcess(target.pid))) return;
  try {
    process.kill(target.pid, signal);
  } catch {
    // It has ended.
  }
}

function parseStat(stat: string) {
  // The second field is the command in brackets, and may hold blanks and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parentPid, groupId] = fields;
  if (state === undefined || groupId === undefined) return null;
  const number = (field: number): number => Number(fields[field - 3]);
  const seconds = (field: number): number => number(field) / TICKS_PER_SECOND;
  return {
    state,
    parentPid: Number(parentPid),
    groupId: Number(groupId),
    flags: number(9),
    threads: number(20),
    startTicks: number(22),
    environmentEnd: number(51),
    cpuSeconds: seconds(14) + seconds(15),
    childrenCpuSeconds: seconds(16) + seconds(17),
  };
}

/** A file of /proc; empty when its process has ended, or it may not be read. */
function readProc(path: string, encoding: "latin1" | "utf8"): Promise<string> {
  return unlessHidden(readFile(path, encoding), "");
}

/** What is not there is no error; that a machine has no descriptors left says nothing of what is there. */
async function unlessHidden<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (isResourceError(error)) throw error;
    return otherwise;
  }
}

/** Peak resident memory of a process in bytes; 0 when it has ended. */
export async function peakMemoryBytes(pid: number): Promise<number> {
  const status = await readProc(`/proc/${pid}/status`, "latin1");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** The environment that a process was started with; empty when it may not be read. */
export async function startEnvironment(pid: number): Promise<string> {
  return readProc(`/proc/${pid}/environ`, "utf8");
}

/** What is mounted in the namespace of a process: the directories that the mounts show. */
export async function mountSources(pid: number): Promise<string[]> {
  const text = await readProc(`/proc/${pid}/mountinfo`, "utf8");
  return text.split("\n").flatMap((line) => line.split(" ")[3] ?? []);
}
