import type { Rule } from "../../rule.js";

export const rule = {
  id: "PATH-CRED",
  family: "files",
  severity: "error",
  why: "touches passwords or keys",
  fix: "Jobs need no credentials; give the job what it needs as a file of its own.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
