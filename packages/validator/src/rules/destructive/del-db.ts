import type { Rule } from "../../rule.js";

export const rule = {
  id: "DEL-DB",
  family: "destructive",
  severity: "error",
  why: "deletes data from a database",
  fix: "Work on a copy of the data that belongs to the job.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
