import type { Rule } from "../../rule.js";

export const rule = {
  id: "PARSE",
  family: "input",
  severity: "error",
  why: "is not valid bash",
  fix: "Correct the syntax; bash -n run.sh shows the same.",
  examples: {
    dangerous: ["if true; then", "echo $(", 'bash -c "if true"'],
    honest: ["if true; then :; fi", "awk 'BEGIN { print 1 }'", "cat > notes.txt <<'E'\nif (\nE\n"],
  },
} as const satisfies Rule;
