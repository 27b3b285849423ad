import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DYN-CMD-SUBST",
  family: "obfuscation",
  severity: "error",
  why: "takes the name of the command from the output of another",
  fix: PLAIN,
  examples: {
    dangerous: ["$(uname -a | md5sum) id", "`hostid | tr 0-9 a-j` --all"],
    honest: [
      "$(which python3) x.py",
      "$(command -v gmx) mdrun",
      '"$(dirname "$0")/prog" -v',
      'x=$(date +%F); echo "$x"',
    ],
  },
} as const satisfies Rule;
