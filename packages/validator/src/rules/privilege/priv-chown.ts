import type { Rule } from "../../rule.js";

export const rule = {
  id: "PRIV-CHOWN",
  family: "privilege",
  severity: "warning",
  why: "changes the owner of files, which jobs may not",
  fix: "Leave the owner; set the mode where others need access.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
