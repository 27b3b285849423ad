import type { Rule } from "../../rule.js";

export const rule = {
  id: "PATH-PROC",
  family: "files",
  severity: "error",
  why: "looks into the memory or environment of other processes",
  fix: "Use what the job's own variables say.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
