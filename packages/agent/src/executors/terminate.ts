import { setTimeout as delay } from "node:timers/promises";

import type { Hunt } from "./hunt-processes.js";
import { signalProcess, type ProcessId } from "./process-table.js";

/** Pauses between two looks: in the grace time, and after KILL, which a process may take a while to die of. */
const LOOK = { firstMs: 20, maxMs: 100 };
const KILL_AGAIN = { firstMs: 20, maxMs: 2000 };
/** KILL is repeated at the first pace so often. */
const QUICK_KILLS = 10;
/** A process that has been killed so often, the last times at growing pauses, sits in the kernel. */
const STUCK_AFTER_KILLS = 20;
/** After so many rounds of KILL something still starts new processes. */
const RESTLESS_AFTER_ROUNDS = 100;
/** So many empty looks in a row: a process that starts another and ends while they are listed hides both. */
const LOOKS = 2;

/** Looks in a row that saw nothing and missed something, before nothing is believed to be there. */
const MAX_UNCERTAIN = 30;

/** What is alive of a job. */
export interface Living {
  /** Nothing is left of the job when these have ended. They get KILL. */
  readonly alive: readonly ProcessId[];
  /** These get TERM. */
  readonly told: readonly ProcessId[];
  /** False when there may be more. */
  readonly isCertain?: boolean;
}

export interface Termination {
  /** @throws what keeps it from telling; then it is asked again */
  readonly find: () => Promise<Living>;
  /**
   * Processes that start others and end while they are listed. Asked when nothing else is alive, and before
   * KILL; then to stop what it finds.
   */
  readonly hunt?: (stop: boolean) => Hunt;
  /** Between TERM and KILL. */
  readonly graceMs: number;
  /** Called once with what does not end, and once each time that nobody can tell what is alive. */
  readonly onTrouble: (problem: Error) => void;
}

/**
 * TERM to every process once, and KILL after the grace time, again and again until nothing is alive:
 * whatever delays this process meanwhile, KILL is sent. Never rejects.
 *
 * @returns when nothing is alive
 */
export async function terminate(termination: Termination): Promise<void> {
  const { graceMs, onTrouble } = termination;
  const killAt = performance.now() + graceMs;
  const told = new Set<string>();
  const kills = new KillCount(onTrouble);
  let failures = 0;
  let looks = 0;
  let uncertain = 0;
  for (let empty = 0; empty < LOOKS;) {
    let living: Living;
    try {
      living = await look(termination, killAt);
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures === 1) onTrouble(error as Error);
      await delay(pauseMs(failures, KILL_AGAIN));
      continue;
    }
    if (living.alive.length === 0) {
      uncertain = living.isCertain === false ? uncertain + 1 : 0;
      if (uncertain === 0 || uncertain > MAX_UNCERTAIN) empty += 1;
      else await delay(LOOK.firstMs);
      continue;
    }
    empty = 0;
    const leftMs = killAt - performance.now();
    if (leftMs > 0) {
      for (const process of living.told) {
        const key = keyOf(process);
        if (!told.has(key)) signalProcess(process, "SIGTERM");
        told.add(key);
      }
      looks += 1;
      await delay(Math.min(leftMs, pauseMs(looks, LOOK)));
    } else {
      for (const process of living.alive) signalProcess(process, "SIGKILL");
      await delay(kills.add(living.alive));
    }
  }
}

/** What is alive: also what hides from being listed, when nothing else is seen, and before KILL. */
async function look({ find, hunt }: Termination, killAt: number): Promise<Living> {
  const { alive, told } = await find();
  const isKilling = performance.now() >= killAt;
  if (hunt === undefined || (alive.length > 0 && !isKilling)) return { alive, told };
  const { found: hidden, isCertain } = hunt(isKilling);
  const seen = new Set(alive.map(keyOf));
  return {
    alive: [...alive, ...hidden.filter((one) => !seen.has(keyOf(one)))],
    told: alive.length > 0 ? told : hidden,
    isCertain,
  };
}

/** How often each process has been killed. */
class KillCount {
  readonly #onTrouble: (problem: Error) => void;
  readonly #kills = new Map<string, number>();
  #rounds = 0;
  #isTold = false;

  constructor(onTrouble: (problem: Error) => void) {
    this.#onTrouble = onTrouble;
  }

  /**
   * Counts those that have been killed, forgets those that have ended, and tells of those that do not end.
   *
   * @returns the pause before the next look, in milliseconds
   */
  add(alive: readonly ProcessId[]): number {
    const keys = new Set(alive.map(keyOf));
    for (const key of this.#kills.keys()) if (!keys.has(key)) this.#kills.delete(key);
    for (const key of keys) this.#kills.set(key, (this.#kills.get(key) ?? 0) + 1);
    this.#rounds += 1;
    const fewest = Math.min(...this.#kills.values());
    const stuck = alive.filter((one) => (this.#kills.get(keyOf(one)) ?? 0) >= STUCK_AFTER_KILLS);
    if (stuck.length > 0) {
      const pids = stuck.map(({ pid }) => pid).join(", ");
      this.#tell(`processes ${pids} do not end, although they were killed`);
    } else if (this.#rounds >= RESTLESS_AFTER_ROUNDS) {
      this.#tell("its processes start others faster than they are killed");
    }
    // One that starts others is caught only by looking again soon.
    const times = Math.max(fewest - QUICK_KILLS, this.#rounds - RESTLESS_AFTER_ROUNDS);
    return pauseMs(times, KILL_AGAIN);
  }

  #tell(problem: string): void {
    if (!this.#isTold) this.#onTrouble(new Error(problem));
    this.#isTold = true;
  }
}

function keyOf({ pid, startTicks }: ProcessId): string {
  return `${pid} ${startTicks}`;
}

/** Doubles with each time, from the first on. */
function pauseMs(times: number, { firstMs, maxMs }: typeof LOOK): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(20, Math.max(0, times - 1)));
}
