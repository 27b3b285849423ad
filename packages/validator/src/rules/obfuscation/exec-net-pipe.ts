import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-NET-PIPE",
  family: "obfuscation",
  severity: "error",
  why: "runs what it gets from the network",
  fix: "Fetch it beforehand, look at it, and submit it with the job.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
