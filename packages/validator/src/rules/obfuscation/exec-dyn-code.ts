import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-DYN-CODE",
  family: "obfuscation",
  severity: "error",
  why: "runs code that it decodes while it runs",
  fix: "Put the program into a file of the job.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
