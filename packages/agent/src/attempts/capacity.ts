import { JobctlError, type AttemptSpec } from "@jobctl/protocol";

/** What an agent has to give, and what of it is in use. */
export interface Resources {
  readonly slots: number;
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** Longest pause that a server is asked for. */
const LONGEST_PAUSE_SECONDS = 32;

/**
 * Counts slots, CPUs and memory, so that an agent never runs more than it advertises, whatever the
 * server believes. Invariant: the sum of what is reserved never exceeds the total.
 */
export class Capacity {
  readonly total: Resources;
  readonly #reserved = new Map<string, Resources>();
  /** How often in a row there was no room. */
  #refusals = 0;

  constructor(total: Resources) {
    this.total = total;
  }

  get slotsUsed(): number {
    return this.#reserved.size;
  }

  /** @throws JobctlError `no_room` that names what is short, and asks for a pause that doubles each time in a row */
  reserve(spec: AttemptSpec): void {
    const wanted = { slots: 1, cpus: spec.cpus, memoryBytes: spec.memoryBytes ?? 0 };
    const free = this.#free();
    const short = (["slots", "cpus", "memoryBytes"] as const).find(
      (kind) => wanted[kind] > free[kind],
    );
    if (short !== undefined) {
      this.#refusals += 1;
      throw new JobctlError(
        "no_room",
        `attempt ${spec.id} wants ${wanted[short]} ${short}, ${free[short]} of ${this.total[short]} are free`,
        {
          details: { resource: short, wanted: wanted[short], free: free[short] },
          retryAfterSeconds: Math.min(LONGEST_PAUSE_SECONDS, 2 ** (this.#refusals - 1)),
        },
      );
    }
    this.#refusals = 0;
    this.#reserved.set(spec.id, wanted);
  }

  release(attemptId: string): void {
    if (this.#reserved.delete(attemptId)) this.#refusals = 0;
  }

  #free(): Resources {
    const used = [...this.#reserved.values()];
    const free = (kind: keyof Resources): number =>
      this.total[kind] - used.reduce((sum, reserved) => sum + reserved[kind], 0);
    return { slots: free("slots"), cpus: free("cpus"), memoryBytes: free("memoryBytes") };
  }
}
