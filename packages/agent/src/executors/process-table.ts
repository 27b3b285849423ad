import { readdir, readFile } from "node:fs/promises";

/** A process as /proc shows it. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parentPid: number;
  readonly groupId: number;
  /** User and system time of the process, in seconds. */
  readonly cpuSeconds: number;
  /** The same for its children that have ended and been waited for. */
  readonly childrenCpuSeconds: number;
}

/** The kernel reports times in these (USER_HZ, fixed at 100 on every Linux that Node runs on). */
const TICKS_PER_SECOND = 100;

/** The processes of this machine that are alive: zombies are not. Empty where there is no /proc. */
export async function listProcesses(): Promise<ProcessInfo[]> {
  const names = await readdir("/proc").catch(() => []);
  const found = await Promise.all(
    names.filter((name) => /^\d+$/.test(name)).map((name) => readProcess(Number(name))),
  );
  return found.filter((info) => info !== null);
}

/** Null when it has ended. */
async function readProcess(pid: number): Promise<ProcessInfo | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  // The second field is the command in brackets, and may hold blanks and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parentPid, groupId] = fields;
  if (state === undefined || state === "Z" || state === "X" || groupId === undefined) return null;
  const ticks = (field: number): number => Number(fields[field - 3]) / TICKS_PER_SECOND;
  return {
    pid,
    parentPid: Number(parentPid),
    groupId: Number(groupId),
    cpuSeconds: ticks(14) + ticks(15),
    childrenCpuSeconds: ticks(16) + ticks(17),
  };
}

/** Peak resident memory of a process in bytes; 0 when it has ended. */
export async function peakMemoryBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "latin1").catch(() => "");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** The environment that a process was started with; empty when it may not be read. */
export async function startEnvironment(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
}

/** What is mounted in the namespace of a process: the directories that the mounts show. */
export async function mountSources(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/mountinfo`, "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => line.split(" ")[3] ?? []);
}
