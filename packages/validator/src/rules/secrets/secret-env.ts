import type { Rule } from "../../rule.js";

export const rule = {
  id: "SECRET-ENV",
  family: "secrets",
  severity: "warning",
  why: "uses a credential from the environment",
  fix: "Jobs have no credentials; give the job what it needs as a file of its own.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
