import { STAY } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DEL-PERM",
  family: "destructive",
  severity: "error",
  why: "changes the permissions or owners of the system",
  fix: STAY,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
