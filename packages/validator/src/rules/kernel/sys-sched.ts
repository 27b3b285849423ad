import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "SYS-SCHED",
  family: "kernel",
  severity: "error",
  why: "administers the batch system",
  fix: ASK,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
