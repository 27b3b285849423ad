import { STAY } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DEL-PARENT",
  family: "destructive",
  severity: "error",
  why: "deletes directories above the job's own",
  fix: STAY,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
