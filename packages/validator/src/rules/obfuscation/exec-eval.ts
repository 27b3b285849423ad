import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-EVAL",
  family: "obfuscation",
  severity: "warning",
  why: "runs text that is only known when it runs",
  fix: PLAIN,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
