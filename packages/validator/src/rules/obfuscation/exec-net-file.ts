import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-NET-FILE",
  family: "obfuscation",
  severity: "error",
  why: "runs a file that it gets from the network",
  fix: "Fetch it beforehand, look at it, and submit it with the job.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
