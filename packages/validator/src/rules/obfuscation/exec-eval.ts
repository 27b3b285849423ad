import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-EVAL",
  family: "obfuscation",
  severity: "warning",
  why: "runs text that is only known when it runs",
  fix: PLAIN,
  examples: {
    dangerous: ['eval "$(./print-commands)"', 'bash -c "$(my-tool --print)"'],
    honest: [
      'eval "$(conda shell.bash hook)"',
      'eval "$(ssh-agent -s)"',
      'eval "$cmd_from_outside"',
    ],
  },
} as const satisfies Rule;
