import type { Rule } from "../../rule.js";

export const rule = {
  id: "PERSIST-DETACH",
  family: "persistence",
  severity: "warning",
  why: "leaves something running behind",
  fix: "Wait for what the job starts: everything ends with it.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
