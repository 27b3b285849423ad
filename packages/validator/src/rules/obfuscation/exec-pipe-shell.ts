import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-PIPE-SHELL",
  family: "obfuscation",
  severity: "error",
  why: "runs text that is only worked out while it runs",
  fix: PLAIN,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
