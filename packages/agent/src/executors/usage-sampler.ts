import type { Usage } from "@jobctl/protocol";

import { listProcesses, mapInBatches, peakMemoryBytes, type ProcessInfo } from "./process-table.js";

const FIRST_SAMPLE_MS = 25;
const LONGEST_INTERVAL_MS = 1000;

/**
 * What a process tree uses, from samples of /proc: the kernel keeps no sums for a process group.
 * CPU time includes children that have been waited for, so short-lived ones are counted; what runs
 * after the last sample is not, at most a second. Peak memory is the largest sum of the peaks of
 * the processes alive in one sample. Null for both where there is no /proc, or the job ended before
 * the first sample.
 */
export class UsageSampler {
  readonly #groupId: number;
  readonly #startedMs = performance.now();
  #endedMs: number | null = null;
  #cpuSeconds: number | null = null;
  #maxRssBytes = 0;
  #intervalMs = FIRST_SAMPLE_MS;
  #timer: NodeJS.Timeout | undefined;

  constructor(groupId: number) {
    this.#groupId = groupId;
    this.#schedule();
  }

  stop(): void {
    this.#endedMs ??= performance.now();
    clearTimeout(this.#timer);
  }

  usage(): Usage {
    return {
      wallSeconds: rounded(((this.#endedMs ?? performance.now()) - this.#startedMs) / 1000),
      cpuSeconds: this.#cpuSeconds === null ? null : rounded(this.#cpuSeconds),
      maxRssBytes: this.#cpuSeconds === null ? null : this.#maxRssBytes,
    };
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      void this.#sample()
        // One sample less: the machine may have no descriptors left.
        .catch(() => {})
        .then(() => {
          if (this.#endedMs === null) this.#schedule();
        });
    }, this.#intervalMs);
    this.#timer.unref();
    this.#intervalMs = Math.min(this.#intervalMs * 2, LONGEST_INTERVAL_MS);
  }

  async #sample(): Promise<void> {
    const members = treeOf(this.#groupId, await listProcesses());
    const peaks = await mapInBatches(members, ({ pid }) => peakMemoryBytes(pid));
    this.#maxRssBytes = Math.max(
      this.#maxRssBytes,
      peaks.reduce((sum, peak) => sum + peak, 0),
    );
    // A child's time moves into its parent's sum when it is waited for, so the total only falls
    // when an orphan ends.
    const total = members.reduce((sum, info) => sum + info.cpuSeconds + info.childrenCpuSeconds, 0);
    if (members.length > 0) this.#cpuSeconds = Math.max(this.#cpuSeconds ?? 0, total);
  }
}

/** The members of a process group and all their descendants. */
function treeOf(groupId: number, all: readonly ProcessInfo[]): ProcessInfo[] {
  const inTree = new Set(all.filter((info) => info.groupId === groupId).map(({ pid }) => pid));
  for (let before = -1; before !== inTree.size;) {
    before = inTree.size;
    for (const { pid, parentPid } of all) if (inTree.has(parentPid)) inTree.add(pid);
  }
  return all.filter(({ pid }) => inTree.has(pid));
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
