export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open before calls are tried again. */
  readonly openMs: number;
  /** Successes in a row after that which close it. */
  readonly successes: number;
}

export type BreakerState = "closed" | "open" | "half_open";

/**
 * Keeps calls away from an agent that fails them, so that they do not pile up behind its time-outs.
 *
 * Closed, it lets everything through and counts failures in a row. Open, it lets nothing through.
 * After a while it is half open: calls are tried, the first failure opens it again, and enough
 * successes close it. Only calls that carry work count; whether the agent is there at all is the
 * business of its watch stream.
 */
export class CircuitBreaker {
  readonly #settings: BreakerSettings;
  readonly #now: () => number;
  readonly #onChange: (state: BreakerState) => void;
  #failures = 0;
  #successes = 0;
  #openedAt: number | null = null;

  /** @param now milliseconds of a clock that never goes back */
  constructor(
    settings: BreakerSettings,
    onChange: (state: BreakerState) => void = () => {},
    now: () => number = () => performance.now(),
  ) {
    this.#settings = settings;
    this.#onChange = onChange;
    this.#now = now;
  }

  get state(): BreakerState {
    if (this.#openedAt === null) return "closed";
    return this.#now() - this.#openedAt < this.#settings.openMs ? "open" : "half_open";
  }

  get failures(): number {
    return this.#failures;
  }

  /** Until calls are tried again; 0 when they are. */
  get retryAfterMs(): number {
    if (this.#openedAt === null) return 0;
    return Math.max(0, this.#openedAt + this.#settings.openMs - this.#now());
  }

  succeeded(): void {
    this.#failures = 0;
    if (this.state !== "half_open") return;
    this.#successes += 1;
    if (this.#successes >= this.#settings.successes) this.reset();
  }

  failed(): void {
    const { state } = this;
    // What was under way when it opened says nothing new.
    if (state === "open") return;
    this.#failures += 1;
    if (state === "closed" && this.#failures < this.#settings.failures) return;
    this.#openedAt = this.#now();
    this.#successes = 0;
    this.#onChange("open");
  }

  /** Closes it, as an operator may who has mended the agent. */
  reset(): void {
    const wasOpen = this.#openedAt !== null;
    this.#openedAt = null;
    this.#failures = 0;
    this.#successes = 0;
    if (wasOpen) this.#onChange("closed");
  }
}
