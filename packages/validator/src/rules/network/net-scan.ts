import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "NET-SCAN",
  family: "network",
  severity: "error",
  why: "scans a network",
  fix: ASK,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
