import type { Usage } from "@jobctl/protocol";

import type { ControlGroup } from "./control-group.js";
import type { JobUsage } from "./executor.js";
import { UsageSampler } from "./usage-sampler.js";

/** What a job uses: counted by its control group where it has one, sampled elsewhere. */
export class UsageMeter {
  readonly #sampler: UsageSampler | null;
  readonly #group: ControlGroup | null;
  readonly #startedMs = performance.now();
  #endedMs: number | null = null;
  #final: JobUsage | null = null;

  constructor(pid: number, group: ControlGroup | null) {
    this.#group = group;
    this.#sampler = group === null ? new UsageSampler(pid) : null;
  }

  stop(): void {
    this.#endedMs ??= performance.now();
    this.#sampler?.stop();
  }

  /** Reads the counters for the last time: the group is about to go. */
  async finish(): Promise<void> {
    this.#final ??= await this.usage();
  }

  /** @returns with it, how many of its processes were killed because the job was out of memory */
  async usage(): Promise<JobUsage> {
    if (this.#final !== null) return this.#final;
    if (this.#group === null) {
      return { ...(this.#sampler?.usage() ?? NOTHING), outOfMemoryKills: 0 };
    }
    const { cpuSeconds, maxMemoryBytes, outOfMemoryKills } = await this.#group.usage();
    const wallMs = (this.#endedMs ?? performance.now()) - this.#startedMs;
    return {
      wallSeconds: Math.round(wallMs) / 1000,
      cpuSeconds: cpuSeconds === null ? null : Math.round(cpuSeconds * 1000) / 1000,
      maxRssBytes: maxMemoryBytes,
      outOfMemoryKills,
    };
  }
}

const NOTHING: Usage = { wallSeconds: 0, cpuSeconds: null, maxRssBytes: null };
