import type { Rule } from "../../rule.js";

export const rule = {
  id: "PERSIST-SCHED",
  family: "persistence",
  severity: "error",
  why: "arranges for something to run later",
  fix: "Submit a job when it is due.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
