import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DEL-DISK",
  family: "destructive",
  severity: "error",
  why: "overwrites a disk",
  fix: ASK,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
