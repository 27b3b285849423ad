import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DYN-CMD-GLOB",
  family: "obfuscation",
  severity: "error",
  why: "finds the command by a pattern",
  fix: PLAIN,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
