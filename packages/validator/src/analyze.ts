import type { Budget } from "./budget.js";
import type { Finding } from "./findings.js";
import type { ParsedScript } from "./parse.js";
import { OWN_RULES } from "./rules/registry.js";
import type { RuleSet } from "./rules/rule-set.js";
import { Walk } from "./walk.js";

/** Looks at every command that a script may run. */
export class Analysis {
  readonly #walk: Walk;

  constructor(budget: Budget, rules: RuleSet = OWN_RULES) {
    this.#walk = new Walk(budget, rules);
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
