import type { Rule } from "../../rule.js";

export const rule = {
  id: "NET-UPLOAD",
  family: "network",
  severity: "error",
  why: "sends data away",
  fix: "Leave results in the job's directory: they are collected.",
  needsNetwork: true,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
