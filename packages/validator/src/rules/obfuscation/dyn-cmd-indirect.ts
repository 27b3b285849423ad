import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DYN-CMD-INDIRECT",
  family: "obfuscation",
  severity: "error",
  why: "takes the name of the command from a variable that another one names",
  fix: PLAIN,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
