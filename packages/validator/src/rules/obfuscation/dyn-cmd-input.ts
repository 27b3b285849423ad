import type { Rule } from "../../rule.js";

export const rule = {
  id: "DYN-CMD-INPUT",
  family: "obfuscation",
  severity: "warning",
  why: "reads the name of the command from a file",
  fix: "Write the name of the command into the script, and read only its arguments.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
