import type { Rule } from "../../rule.js";

export const rule = {
  id: "SECRET-EXFIL",
  family: "secrets",
  severity: "error",
  why: "sends the environment away",
  fix: "Name the variables that are needed.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
