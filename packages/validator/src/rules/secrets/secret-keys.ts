import type { Rule } from "../../rule.js";

export const rule = {
  id: "SECRET-KEYS",
  family: "secrets",
  severity: "error",
  why: "prints keys or credentials",
  fix: "Jobs need no credentials.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
