import type { Rule } from "../../rule.js";

export const rule = {
  id: "DEL-UNSET",
  family: "destructive",
  severity: "warning",
  why: "deletes from the top of the file system if the variable is empty",
  fix: "Write ${NAME:?} so that it stops when the variable is empty.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
