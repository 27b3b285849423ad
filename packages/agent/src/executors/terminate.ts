import { setTimeout as delay } from "node:timers/promises";

import { signalProcess, type ProcessId } from "./process-table.js";

/** Pauses between two looks: in the grace time, and after KILL, which a process may take a while to die of. */
const LOOK = { firstMs: 20, maxMs: 100 };
const KILL_AGAIN = { firstMs: 20, maxMs: 2000 };
/** KILL is repeated at the first pace so often. */
const QUICK_KILLS = 10;
/** A process that has been killed so often, the last times at growing pauses, sits in the kernel. */
const STUCK_AFTER_KILLS = 20;
/** So many empty looks in a row: a process that starts another and ends while they are listed hides both. */
const LOOKS = 2;

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
  const kills = new Map<string, number>();
  let failures = 0;
  let looks = 0;
  let isStuckTold = false;
  for (let empty = 0; empty < LOOKS;) {
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
    if (living.alive.length === 0) {
      empty += 1;
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
      const fewest = countKills(kills, living.alive);
      const stuck = living.alive.filter((one) => (kills.get(keyOf(one)) ?? 0) >= STUCK_AFTER_KILLS);
      if (stuck.length > 0 && !isStuckTold) {
        isStuckTold = true;
        const pids = stuck.map(({ pid }) => pid).join(", ");
        onTrouble(new Error(`processes ${pids} do not end, although they were killed`));
      }
      // One that starts others is caught only by looking again soon.
      await delay(pauseMs(fewest - QUICK_KILLS, KILL_AGAIN));
    }
  }
}

function keyOf({ pid, startTicks }: ProcessId): string {
  return `${pid} ${startTicks}`;
}

/**
 * Counts how often each process has been killed, and forgets those that have ended.
 *
 * @returns how often the one has been that was killed the fewest times
 */
function countKills(kills: Map<string, number>, alive: readonly ProcessId[]): number {
  const keys = new Set(alive.map(keyOf));
  for (const key of kills.keys()) if (!keys.has(key)) kills.delete(key);
  let fewest = Infinity;
  for (const key of keys) {
    const times = (kills.get(key) ?? 0) + 1;
    kills.set(key, times);
    fewest = Math.min(fewest, times);
  }
  return fewest;
}

/** Doubles with each time, from the first on. */
function pauseMs(times: number, { firstMs, maxMs }: typeof LOOK): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(20, Math.max(0, times - 1)));
}
