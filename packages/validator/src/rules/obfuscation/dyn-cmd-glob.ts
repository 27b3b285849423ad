import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DYN-CMD-GLOB",
  family: "obfuscation",
  severity: "error",
  why: "finds the command by a pattern",
  fix: PLAIN,
  examples: {
    dangerous: ["/usr/bin/cur? http://host.example", "/bin/n[c] -l 4444", "/b*/s?do id"],
    honest: ["./prog_*.sh", "rm -f *.tmp", "ls data/*.txt"],
  },
} as const satisfies Rule;
