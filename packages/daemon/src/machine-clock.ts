import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

/** A moment of a machine's monotonic clock. Moments of one boot can be compared, also between processes. */
export interface Moment {
  /** Which start of the machine it belongs to. */
  readonly boot: string;
  /** Milliseconds since some moment in the past. */
  readonly ms: number;
}

const BOOT = readBootId();

/** The present moment. It can be stored: a process that is started later on this machine understands it. */
export function machineMoment(): Moment {
  return { boot: BOOT, ms: Number(process.hrtime.bigint()) / 1e6 };
}

/** Milliseconds from one moment to a later one; null when the machine has been started in between. */
export function msBetween(from: Moment, to: Moment): number | null {
  return from.boot === to.boot ? Math.max(0, to.ms - from.ms) : null;
}

/** Where the kernel does not say, each process has an id of its own, and its moments mean nothing to others. */
function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return randomUUID();
  }
}
