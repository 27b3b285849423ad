import type { Rule } from "../../rule.js";

export const rule = {
  id: "SECRET-HUNT",
  family: "secrets",
  severity: "error",
  why: "searches the machine for passwords or keys",
  fix: "Jobs need no credentials of the machine.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
