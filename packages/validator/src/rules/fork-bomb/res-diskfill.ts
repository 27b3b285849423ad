import type { Rule } from "../../rule.js";

export const rule = {
  id: "RES-DISKFILL",
  family: "fork-bomb",
  severity: "error",
  why: "writes without end",
  fix: "Say how much is to be written: count=, head -c.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
