import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-PRELOAD",
  family: "obfuscation",
  severity: "error",
  why: "loads a library of its own into every program",
  fix: "Build the program against the library that it needs.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
