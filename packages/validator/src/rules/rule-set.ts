import type { Context, FileUse, Report, Rule } from "../rule.js";
import type { Invocation } from "../unwrap.js";
import { fileUses } from "./shared/file-uses.js";

/** Names whose rules are remembered. */
const MAX_KNOWN = 1000;

/** Rules, found by the commands that they look at. */
export class RuleSet {
  readonly #byName = new Map<string, Rule[]>();
  readonly #byPrefix: { readonly prefix: string; readonly rule: Rule }[] = [];
  readonly #known = new Map<string, readonly Rule[]>();
  readonly #forFiles: readonly Rule[];

  constructor(rules: readonly Rule[]) {
    this.#forFiles = rules.filter(({ checkFile }) => checkFile !== undefined);
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
    const rules = this.#find(name);
    if (this.#known.size < MAX_KNOWN) this.#known.set(name, rules);
    return rules;
  }

  #find(name: string): readonly Rule[] {
    const rules = this.#byName.get(name) ?? [];
    const others = this.#byPrefix.filter(({ prefix }) => name.startsWith(prefix));
    return others.length === 0
      ? rules
      : [...new Set([...rules, ...others.map(({ rule }) => rule)])];
  }

  /** Looks at a command and at the files that it is given. */
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
    for (const use of fileUses(invocation)) this.checkFile(use, reportOf);
  }

  /** Looks at a file that the script names elsewhere than as an argument. */
  checkFile(use: FileUse, reportOf: (rule: Rule) => Report): void {
    for (const rule of this.#forFiles) rule.checkFile?.(use, reportOf(rule));
  }
}
