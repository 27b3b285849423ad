/** Upper bound on addresses that are counted; the ones that asked longest ago are forgotten. */
const MAX_ADDRESSES = 5000;

interface Window {
  readonly startedMs: number;
  readonly count: number;
}

type Callback = (error: Error | null, result?: { current: number; ttl: number }) => void;

/**
 * Counts the requests of each address in the present window, by the monotonic clock: the plugin's own store
 * goes by the time of day, and refuses for an hour when that is set back by one.
 */
export class RateWindows {
  readonly #windows = new Map<string, Window>();
  readonly #nowMs: () => number;

  constructor(_options?: unknown, nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** @param windowMs length of a window */
  incr(address: string, done: Callback, windowMs = 1000): void {
    const nowMs = this.#nowMs();
    const known = this.#windows.get(address);
    const goesOn = known !== undefined && nowMs - known.startedMs < windowMs;
    const window = goesOn
      ? { startedMs: known.startedMs, count: known.count + 1 }
      : { startedMs: nowMs, count: 1 };
    this.#windows.delete(address);
    this.#windows.set(address, window);
    const [longestAgo] = this.#windows.keys();
    if (this.#windows.size > MAX_ADDRESSES && longestAgo !== undefined)
      this.#windows.delete(longestAgo);
    done(null, { current: window.count, ttl: windowMs - (nowMs - window.startedMs) });
  }

  child(): RateWindows {
    return new RateWindows(undefined, this.#nowMs);
  }
}
