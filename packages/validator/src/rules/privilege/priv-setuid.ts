import type { Rule } from "../../rule.js";

export const rule = {
  id: "PRIV-SETUID",
  family: "privilege",
  severity: "error",
  why: "makes a program run as another user",
  fix: "Use chmod with three digits, such as 755.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
