import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DYN-CMD-INDIRECT",
  family: "obfuscation",
  severity: "error",
  why: "takes the name of the command from a variable that another one names",
  fix: PLAIN,
  examples: {
    dangerous: ["${!unknown} -rf data", "read -r a; ${!a} x"],
    honest: ["x=ls; y=x; ${!y} -l", 'echo "${!PREFIX@}"', '"${args[@]}"'],
  },
} as const satisfies Rule;
