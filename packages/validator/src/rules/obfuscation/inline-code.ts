import type { Rule } from "../../rule.js";

export const rule = {
  id: "INLINE-CODE",
  family: "obfuscation",
  severity: "info",
  why: "has code of another language in it",
  fix: "Put the program into a file of the job.",
  strictOnly: true,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
