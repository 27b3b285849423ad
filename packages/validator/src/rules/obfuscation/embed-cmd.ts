import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "EMBED-CMD",
  family: "obfuscation",
  severity: "error",
  why: "hands a dangerous command to another program that runs it",
  fix: PLAIN,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
