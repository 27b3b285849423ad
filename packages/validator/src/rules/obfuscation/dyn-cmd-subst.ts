import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DYN-CMD-SUBST",
  family: "obfuscation",
  severity: "error",
  why: "takes the name of the command from the output of another",
  fix: PLAIN,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
