import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "EVAL-CODE",
  family: "obfuscation",
  severity: "info",
  why: "evaluates text as commands",
  fix: PLAIN,
  strictOnly: true,
  examples: {
    dangerous: ['eval "x=1"', "eval echo hello"],
    honest: ["echo eval", 'bash -c "x=1"'],
  },
} as const satisfies Rule;
