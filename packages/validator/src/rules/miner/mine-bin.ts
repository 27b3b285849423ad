import type { Rule } from "../../rule.js";

export const rule = {
  id: "MINE-BIN",
  family: "miner",
  severity: "error",
  why: "is a program that mines cryptocurrency",
  fix: "The machines are for research.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
