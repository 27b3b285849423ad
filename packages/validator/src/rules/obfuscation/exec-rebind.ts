import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-REBIND",
  family: "obfuscation",
  severity: "error",
  why: "gives a command another meaning",
  fix: PLAIN,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
