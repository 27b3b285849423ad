import type { Rule } from "../../rule.js";

export const rule = {
  id: "SYS-KILLALL",
  family: "kernel",
  severity: "error",
  why: "ends processes that are not the job's",
  fix: "End your own processes by their ids: kill $pid.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
