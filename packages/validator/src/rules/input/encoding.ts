import type { Rule } from "../../rule.js";

export const rule = {
  id: "ENCODING",
  family: "input",
  severity: "error",
  why: "is not valid UTF-8 text",
  fix: "Save the file as UTF-8 text.",
  examples: {
    dangerous: ["echo \u0000", "\0"],
    honest: ["echo \u00fc", "# \u65e5\u672c\u8a9e\n"],
  },
} as const satisfies Rule;
