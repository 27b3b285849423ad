import type { Rule } from "../../rule.js";

export const rule = {
  id: "RES-SELFEXEC",
  family: "fork-bomb",
  severity: "error",
  why: "starts its own script again in the background",
  fix: "Submit a job for each run.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
