import type { Rule } from "../../rule.js";

export const rule = {
  id: "RES-FORKBOMB",
  family: "fork-bomb",
  severity: "error",
  why: "is a function that starts itself again and again",
  fix: "Start a fixed number of processes.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
