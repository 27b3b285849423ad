import type { FileUse, Rule } from "../rule.js";
import { RULES, type RuleId } from "./index.js";
import type { Found } from "./report.js";
import { RuleSet } from "./rule-set.js";

const BY_ID: ReadonlyMap<string, Rule> = new Map(RULES.map((rule) => [rule.id, rule]));

/** The rules that jobctl comes with. */
export const OWN_RULES = new RuleSet(RULES);

export function ruleOf(id: RuleId): Rule {
  return BY_ID.get(id) as Rule;
}

/** Looks at a file that the script names elsewhere than as an argument of a command. */
export function checkFile(use: FileUse, found: Found): void {
  OWN_RULES.checkFile(
    use,
    ({ id }) =>
      (message, severity) =>
        found(id as RuleId, message, severity),
  );
}

/** Families whose programs are refused wherever they lie and whatever they are called. */
const REFUSED = new Set(["network", "kernel", "privilege", "escape", "destructive"]);

/** Whether a program is refused under its own name, given two arguments that mean nothing. */
export function isRefused(program: string): boolean {
  let refused = false;
  const args = ["x", "y"];
  const invocation = { name: program, program, args, trace: [], bypassesFunctions: true };
  const context = {
    input: { text: null, upstream: [], sources: [], listed: [], before: [] },
    isRefused: () => false,
  };
  OWN_RULES.check(invocation, context, ({ family, severity }) => (_, said = severity) => {
    if (REFUSED.has(family) && said === "error") refused = true;
  });
  return refused;
}
