import { STAY } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DEL-TRUNC",
  family: "destructive",
  severity: "error",
  why: "empties a file of the system",
  fix: STAY,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
