import { STAY } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DEL-MVNULL",
  family: "destructive",
  severity: "error",
  why: "moves files to where they are lost",
  fix: STAY,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
