import type { Rule } from "../../rule.js";

export const rule = {
  id: "DYN-CMD-INPUT",
  family: "obfuscation",
  severity: "warning",
  why: "reads the name of the command from a file",
  fix: "Write the name of the command into the script, and read only its arguments.",
  examples: {
    dangerous: [
      "while read -r line; do $line; done < commands.txt",
      'read -r tool < tools.txt; "$tool" -v',
    ],
    honest: [
      'while read -r name; do ./prog "$name"; done < names.txt',
      'read -r n < count.txt; seq "$n"',
    ],
  },
} as const satisfies Rule;
