import type { Rule } from "../../rule.js";

export const rule = {
  id: "RES-STRESS",
  family: "fork-bomb",
  severity: "error",
  why: "uses up the machine on purpose",
  fix: "Ask the administrator for a machine to load.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
