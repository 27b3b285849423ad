import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";

/** What a process may use at most, of what its figures say that it uses. */
export interface ProcessLimits {
  /** Memory in bytes: of its control group, or of the machine. */
  readonly memoryBytes: number;
  /** Heap of JavaScript in bytes, beyond which Node.js ends the process. */
  readonly heapBytes: number;
  /** CPUs: the quota of its control group, or those that it may run on. */
  readonly cpus: number;
}

/** Limits of this process, as far as a container shows them to it. */
export function readProcessLimits(): ProcessLimits {
  const constrained = process.constrainedMemory();
  const isLimited = constrained > 0 && constrained < totalmem();
  return {
    memoryBytes: isLimited ? constrained : totalmem(),
    heapBytes: getHeapStatistics().heap_size_limit,
    cpus: Math.min(readCpuQuota() ?? Infinity, availableParallelism()),
  };
}

/** Quota of CPUs of a container's control group, of version 2 or 1; null for none. */
function readCpuQuota(): number | null {
  const unified = numbersOf("/sys/fs/cgroup/cpu.max");
  const [quota = NaN, period = NaN] =
    unified.length === 2
      ? unified
      : [
          ...numbersOf("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
          ...numbersOf("/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
        ];
  return quota > 0 && period > 0 ? quota / period : null;
}

function numbersOf(path: string): number[] {
  try {
    return readFileSync(path, "utf8").trim().split(" ").map(Number);
  } catch {
    return [];
  }
}
