import type { Rule } from "../../rule.js";

export const rule = {
  id: "SIZE",
  family: "input",
  severity: "error",
  why: "is larger than a script may be",
  fix: "Move data out of the script into files of the job.",
  examples: {
    dangerous: [`#${"x".repeat(1024 * 1024)}`, `: ${"x ".repeat(600_000)}`],
    honest: ["# x", `: ${"x".repeat(100)}`],
  },
} as const satisfies Rule;
