/**
 * Limits a rate on average and allows bursts: tokens come back at a steady rate, up to a capacity.
 * Time is the monotonic clock's.
 */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  #tokens: number;
  #filledAtMs: number;

  /**
   * @param capacity size of the largest burst, in tokens
   * @param perSecond tokens that come back in a second
   */
  constructor(capacity: number, perSecond: number, nowMs: () => number = () => performance.now()) {
    this.#capacity = capacity;
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
    this.#tokens = capacity;
    this.#filledAtMs = nowMs();
  }

  /**
   * Takes tokens, more than there are if need be.
   *
   * @returns how long to wait before the work that they are for, in milliseconds; 0 within the limit
   */
  take(tokens: number): number {
    const nowMs = this.#nowMs();
    const returned = ((nowMs - this.#filledAtMs) / 1000) * this.#perSecond;
    this.#filledAtMs = nowMs;
    this.#tokens = Math.min(this.#capacity, this.#tokens + returned) - tokens;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1000;
  }
}
