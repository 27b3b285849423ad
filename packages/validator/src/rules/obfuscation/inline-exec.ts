import type { Rule } from "../../rule.js";

export const rule = {
  id: "INLINE-EXEC",
  family: "obfuscation",
  severity: "warning",
  why: "starts processes or opens sockets from inline code",
  fix: "Put the program into a file of the job.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
