import type { Rule } from "../../rule.js";

export const rule = {
  id: "PATH-ACCT",
  family: "files",
  severity: "warning",
  why: "reads the list of the machine's accounts",
  fix: "Use $USER or id for who you are.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
