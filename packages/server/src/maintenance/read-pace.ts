import { performance, type EventLoopUtilization } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";

/** What opening a file costs, in bytes that could have been read. */
const FILE_BYTES = 64 * 1024;
/** A process whose event loop is in use for a larger share has something better to do. */
const BUSY_SHARE = 0.5;
/** How much more slowly is read beside it: never not at all. */
const BUSY_FACTOR = 10;
const MEASURE_EVERY_MS = 200;
/** Shorter waits are put together: a timer is no more exact. */
const SHORTEST_WAIT_MS = 2;

/** Spreads reads over time: so many bytes a second at most, and fewer while the process is busy. */
export class ReadPace {
  readonly #bytesPerSecond: number;
  readonly #signal: AbortSignal;
  #since: EventLoopUtilization = performance.eventLoopUtilization();
  #measuredMs = performance.now();
  #factor = 1;
  #nextMs = performance.now();

  /** @param signal ends the waiting with its reason */
  constructor(bytesPerSecond: number, signal: AbortSignal) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#signal = signal;
  }

  /** To be awaited before a file is opened. */
  async startFile(): Promise<void> {
    await this.wait(FILE_BYTES);
  }

  /** To be awaited before so many bytes are read. */
  async wait(bytes: number): Promise<void> {
    this.#signal.throwIfAborted();
    const costMs = (bytes / this.#bytesPerSecond) * 1000 * this.#currentFactor();
    // Time that was not used before is not made up for.
    this.#nextMs = Math.max(this.#nextMs, performance.now()) + costMs;
    const waitMs = this.#nextMs - performance.now();
    if (waitMs >= SHORTEST_WAIT_MS)
      await delay(waitMs, undefined, { signal: this.#signal, ref: false });
  }

  #currentFactor(): number {
    const nowMs = performance.now();
    // Of a shorter time the share says nothing.
    if (nowMs - this.#measuredMs < MEASURE_EVERY_MS) return this.#factor;
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#since);
    this.#since = now;
    this.#measuredMs = nowMs;
    this.#factor = utilization > BUSY_SHARE ? BUSY_FACTOR : 1;
    return this.#factor;
  }
}
