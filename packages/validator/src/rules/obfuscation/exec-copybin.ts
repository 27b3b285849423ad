import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-COPYBIN",
  family: "obfuscation",
  severity: "error",
  why: "puts a refused program somewhere under another name",
  fix: PLAIN,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
