import type { Rule } from "../../rule.js";

export const rule = {
  id: "MINE-POOL",
  family: "miner",
  severity: "error",
  why: "connects to a mining pool",
  fix: "The machines are for research.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
