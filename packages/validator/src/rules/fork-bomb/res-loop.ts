import type { Rule } from "../../rule.js";

export const rule = {
  id: "RES-LOOP",
  family: "fork-bomb",
  severity: "error",
  why: "starts processes in an endless loop",
  fix: "Start a fixed number of processes, and wait for them.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
