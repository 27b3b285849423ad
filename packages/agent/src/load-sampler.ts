import { cpus, freemem, loadavg, totalmem } from "node:os";

import { wallInstant } from "@jobctl/daemon";
import type { AgentLoad } from "@jobctl/protocol";

interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

export interface SlotUse {
  readonly slotsUsed: number;
  readonly slotsTotal: number;
  readonly draining: boolean;
  /** Why jobs cannot be run; null while they can. */
  readonly problem: string | null;
}

/** Samples how busy this machine is; what is asked in between gets the last sample. */
export class LoadSampler {
  readonly #slots: () => SlotUse;
  #times = readCpuTimes();
  #cpuPercent: number | null = null;
  #sampledAt = wallInstant();

  constructor(slots: () => SlotUse) {
    this.#slots = slots;
  }

  sample(): void {
    const now = readCpuTimes();
    const total = now.total - this.#times.total;
    if (total > 0) {
      const share = (now.busy - this.#times.busy) / total;
      this.#cpuPercent = Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10;
    }
    this.#times = now;
    this.#sampledAt = wallInstant();
  }

  get load(): AgentLoad {
    return {
      cpuPercent: this.#cpuPercent,
      load1: loadavg()[0] ?? 0,
      memoryUsedBytes: totalmem() - freemem(),
      memoryTotalBytes: totalmem(),
      ...this.#slots(),
      sampledAt: this.#sampledAt,
    };
  }
}

function readCpuTimes(): CpuTimes {
  let busy = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    idle += times.idle;
  }
  return { busy, total: busy + idle };
}
