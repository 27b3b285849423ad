import type { Rule } from "../../rule.js";

export const rule = {
  id: "RES-SELFEXEC",
  family: "fork-bomb",
  severity: "error",
  why: "starts its own script again and again",
  fix: "Submit a job for each run.",
  // What runs in the background or in a pipe is found in the tree.
  examples: {
    dangerous: ['"$0" & "$0" &', 'bash "$0" | bash "$0"', "bash run.sh"],
    honest: ['echo "$0" & wait', 'dirname "$0" | xargs ls', "cd case-7 && bash run.sh"],
  },
} as const satisfies Rule;
