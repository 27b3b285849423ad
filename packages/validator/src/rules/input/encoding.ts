import type { Rule } from "../../rule.js";

export const rule = {
  id: "ENCODING",
  family: "input",
  severity: "error",
  why: "is not valid UTF-8 text",
  fix: "Save the file as UTF-8 text.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
