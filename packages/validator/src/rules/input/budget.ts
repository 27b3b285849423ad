import type { Rule } from "../../rule.js";

export const rule = {
  id: "BUDGET",
  family: "input",
  severity: "error",
  why: "is too complicated to be checked",
  fix: "Simplify the script, or split it.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
