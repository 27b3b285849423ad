import { STAY } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DEL-SYSDIR",
  family: "destructive",
  severity: "error",
  why: "deletes a directory of the system",
  fix: STAY,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
