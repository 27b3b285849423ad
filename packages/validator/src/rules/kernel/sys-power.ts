import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "SYS-POWER",
  family: "kernel",
  severity: "error",
  why: "stops or restarts the machine",
  fix: ASK,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
