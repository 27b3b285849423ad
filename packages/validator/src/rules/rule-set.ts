import type { Context, Report, Rule } from "../rule.js";
import type { Invocation } from "../unwrap.js";

/** Names whose rules are remembered. */
const MAX_KNOWN = 1000;

/** Rules, found by the commands that they look at. */
export class RuleSet {
  readonly #byName = new Map<string, Rule[]>();
  readonly #known = new Map<string, readonly Rule[]>();
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
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const others = this.#byPrefix.filter(({ prefix }) => name.startsWith(prefix));
    const rules = [
      ...new Set([...(this.#byName.get(name) ?? []), ...others.map(({ rule }) => rule)]),
    ];
    // Scripts may call commands of any number of names.
    if (this.#known.size < MAX_KNOWN) this.#known.set(name, rules);
    return rules;
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
