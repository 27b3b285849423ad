import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "PATH-PROCSYS",
  family: "kernel",
  severity: "error",
  why: "writes to settings of the kernel",
  fix: ASK,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
