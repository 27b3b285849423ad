import { setTimeout as delay } from "node:timers/promises";

import { signalProcess, type ProcessId } from "./process-table.js";

/** Pauses between two looks: in the grace time, and after KILL, which a process may take a while to die of. */
const LOOK = { firstMs: 20, maxMs: 100 };
const KILL_AGAIN = { firstMs: 20, maxMs: 2000 };
/** KILL is repeated at the first pace so often. */
const QUICK_KILLS = 10;
/** A process that has been killed so often, which takes about ten seconds, sits in the kernel. */
const STUCK_AFTER_KILLS = 20;

/** What is alive of a job. */
export interface Living {
  /** Nothing is left of the job when these have ended. They get KILL. */
  readonly alive: readonly ProcessId[];
  /** These get TERM. */
  readonly told: readonly ProcessId[];
}

export interface Termination {
  /** @throws what keeps it from telling; then it is asked again */
  readonly find: () => Promise<Living>;
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
export async function terminate({ find, graceMs, onTrouble }: Termination): Promise<void> {
  const killAt = performance.now() + graceMs;
  const told = new Set<string>();
  let failures = 0;
  let looks = 0;
  for (let kills = 0; ;) {
    let living: Living;
    try {
      living = await find();
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures === 1) onTrouble(error as Error);
      await delay(pauseMs(failures, KILL_AGAIN));
      continue;
    }
    if (living.alive.length === 0) return;
    const leftMs = killAt - performance.now();
    if (leftMs > 0) {
      for (const process of living.told) {
        const key = `${process.pid} ${process.startTicks}`;
        if (!told.has(key)) signalProcess(process, "SIGTERM");
        told.add(key);
      }
      looks += 1;
      await delay(Math.min(leftMs, pauseMs(looks, LOOK)));
    } else {
      for (const process of living.alive) signalProcess(process, "SIGKILL");
      kills += 1;
      if (kills === STUCK_AFTER_KILLS) {
        const pids = living.alive.map(({ pid }) => pid).join(", ");
        onTrouble(new Error(`processes ${pids} do not end, although they were killed`));
      }
      await delay(pauseMs(kills - QUICK_KILLS, KILL_AGAIN));
    }
  }
}

/** Doubles with each time, from the first on. */
function pauseMs(times: number, { firstMs, maxMs }: typeof LOOK): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(20, Math.max(0, times - 1)));
}
