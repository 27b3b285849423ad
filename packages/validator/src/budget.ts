/** Thrown when a script takes more work than any honest one does. */
export class BudgetExceeded extends Error {}

/** Counts steps of work, and time, so that no script keeps the validator busy for long. */
export class Budget {
  #steps: number;
  readonly #untilMs: number;

  constructor(steps: number, ms: number) {
    this.#steps = steps;
    this.#untilMs = performance.now() + ms;
  }

  /** @throws BudgetExceeded */
  spend(steps = 1): void {
    this.#steps -= steps;
    if (this.#steps < 0) throw new BudgetExceeded("it takes too many steps to understand");
    if (this.#steps % 256 === 0 && performance.now() > this.#untilMs) {
      throw new BudgetExceeded("it takes too long to understand");
    }
  }
}
