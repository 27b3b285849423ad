import type { Rule } from "../../rule.js";

export const rule = {
  id: "PARSE",
  family: "input",
  severity: "error",
  why: "is not valid bash",
  fix: "Correct the syntax; bash -n run.sh shows the same.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
