import type { Rule } from "../../rule.js";

export const rule = {
  id: "PRIV-CMD",
  family: "privilege",
  severity: "error",
  why: "asks for the rights of another user",
  fix: "Jobs run with the rights that they have; ask the administrator for what is missing.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
