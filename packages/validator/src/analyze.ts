import type { Budget } from "./budget.js";
import type { Finding } from "./findings.js";
import type { ParsedScript } from "./parse.js";
import { Walk } from "./walk.js";

export type { Finding } from "./findings.js";

/** Looks at every command that a script may run. */
export class Analysis {
  readonly #walk: Walk;

  constructor(budget: Budget) {
    this.#walk = new Walk(budget);
  }

  get findings(): readonly Finding[] {
    return this.#walk.findings;
  }

  /** Paths of scripts that this one runs, as it names them. */
  get calledScripts(): ReadonlySet<string> {
    return this.#walk.written.calledScripts;
  }

  run(script: ParsedScript): void {
    this.#walk.run(script);
  }
}
