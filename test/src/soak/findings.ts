/** A soak that goes wrong everywhere need not list everything. */
const MAX_VIOLATIONS = 200;

/** What a soak has found: how often something happened, and what should not have. */
export class Findings {
  readonly #counts = new Map<string, number>();
  readonly #violations = new Set<string>();

  count(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  /** Keeps the largest of some figures. */
  most(what: string, figure: number): void {
    this.#counts.set(what, Math.max(this.#counts.get(what) ?? 0, Math.round(figure)));
  }

  violation(what: string): void {
    if (this.#violations.size < MAX_VIOLATIONS) this.#violations.add(what);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  get violations(): readonly string[] {
    return [...this.#violations];
  }
}
