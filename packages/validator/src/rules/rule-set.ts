import type { Context, Report, Rule } from "../rule.js";
import type { Invocation } from "../unwrap.js";

/** Rules, found by the commands that they look at. */
export class RuleSet {
  readonly #byName = new Map<string, Rule[]>();
  readonly #byPrefix: { readonly prefix: string; readonly rule: Rule }[] = [];

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      for (const command of rule.commands ?? []) {
        if (command.endsWith("*")) this.#byPrefix.push({ prefix: command.slice(0, -1), rule });
        else this.#byName.set(command, [...(this.#byName.get(command) ?? []), rule]);
      }
    }
  }

  /** The rules that look at a command, by the last segment of its path. */
  of(name: string): readonly Rule[] {
    const rules = this.#byName.get(name) ?? [];
    const others = this.#byPrefix.filter(({ prefix }) => name.startsWith(prefix));
    return others.length === 0
      ? rules
      : [...new Set([...rules, ...others.map(({ rule }) => rule)])];
  }

  check(
    invocation: Invocation,
    context: Context,
    reportOf: (rule: Rule) => Report,
    onlyFollowingPaths = false,
  ): void {
    for (const rule of this.of(invocation.name)) {
      if (onlyFollowingPaths && rule.followsPaths !== true) continue;
      rule.check?.(invocation, reportOf(rule), context);
    }
  }
}
