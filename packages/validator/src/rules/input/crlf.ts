import type { Rule } from "../../rule.js";

export const rule = {
  id: "CRLF",
  family: "input",
  severity: "info",
  why: "has Windows line ends, which bash takes for part of the words",
  fix: "Convert it: sed -i 's/\\r$//' run.sh",
  examples: {
    dangerous: ["echo a\r\necho b\r\n", "./prog\r\n"],
    honest: ["echo a\necho b\n", "printf 'a\\r\\n'"],
  },
} as const satisfies Rule;
