import type { Rule } from "../../rule.js";

export const rule = {
  id: "SECRET-METADATA",
  family: "secrets",
  severity: "error",
  why: "asks the cloud for the machine's credentials",
  fix: "Jobs need no credentials of the machine.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
