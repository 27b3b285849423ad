import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "EVAL-CODE",
  family: "obfuscation",
  severity: "info",
  why: "evaluates text as commands",
  fix: PLAIN,
  strictOnly: true,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
