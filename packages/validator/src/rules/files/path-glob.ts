import type { Rule } from "../../rule.js";

export const rule = {
  id: "PATH-GLOB",
  family: "files",
  severity: "error",
  why: "has a pattern that matches passwords or keys",
  fix: "Name the files that are needed.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
