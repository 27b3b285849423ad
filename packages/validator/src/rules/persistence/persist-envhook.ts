import type { Rule } from "../../rule.js";

export const rule = {
  id: "PERSIST-ENVHOOK",
  family: "persistence",
  severity: "warning",
  why: "makes every shell run a file first",
  fix: "Source the file in run.sh.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
