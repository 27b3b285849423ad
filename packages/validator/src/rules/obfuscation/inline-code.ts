import type { Rule } from "../../rule.js";

export const rule = {
  id: "INLINE-CODE",
  family: "obfuscation",
  severity: "info",
  why: "has code of another language in it",
  fix: "Put the program into a file of the job.",
  strictOnly: true,
  examples: {
    dangerous: ["python3 -c 'print(1)'", "perl -ne 'print if /x/' f"],
    honest: ["python3 prog.py", "perl prog.pl"],
  },
} as const satisfies Rule;
