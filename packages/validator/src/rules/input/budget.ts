import type { Rule } from "../../rule.js";

export const rule = {
  id: "BUDGET",
  family: "input",
  severity: "error",
  why: "is too complicated to be checked",
  fix: "Simplify the script, or split it.",
  examples: {
    dangerous: [`${"nice ".repeat(30)}true`, `echo ${"${a:-".repeat(80)}x${"}".repeat(80)}`],
    honest: ["nice nice true", "for x in a b c; do ./$x; done"],
  },
} as const satisfies Rule;
