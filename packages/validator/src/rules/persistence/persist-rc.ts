import type { Rule } from "../../rule.js";

export const rule = {
  id: "PERSIST-RC",
  family: "persistence",
  severity: "error",
  why: "changes what happens when somebody logs in",
  fix: "Set what the job needs in run.sh.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
