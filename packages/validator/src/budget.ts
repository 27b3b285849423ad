/** Thrown when a limit is reached; the message completes "it ...". */
export class BudgetExceeded extends Error {}

/** Counts steps of work, so that no script keeps the validator busy for long. */
export class Budget {
  readonly #limit: number;
  #spent = 0;

  /** @param limit steps that may be spent */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get spent(): number {
    return this.#spent;
  }

  /** @throws BudgetExceeded */
  spend(steps = 1): void {
    this.#spent += steps;
    if (this.#spent > this.#limit)
      throw new BudgetExceeded(`it takes more than ${this.#limit} steps to understand`);
  }

  /**
   * Accounts for a text that is searched or put together.
   *
   * @throws BudgetExceeded
   */
  spendOn(text: string): void {
    this.spend(1 + (text.length >> 6));
  }
}
