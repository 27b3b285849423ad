import type { Rule } from "../../rule.js";

export const rule = {
  id: "NET-LISTEN",
  family: "network",
  severity: "error",
  why: "waits for connections",
  fix: "Write results to files.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
