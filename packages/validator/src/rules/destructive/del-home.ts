import { STAY } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DEL-HOME",
  family: "destructive",
  severity: "error",
  why: "deletes a whole home directory",
  fix: STAY,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
