import type { Rule } from "../../rule.js";

export const rule = {
  id: "PATH-LOG",
  family: "files",
  severity: "error",
  why: "writes to the logs of the machine",
  fix: "Write to files of the job.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
