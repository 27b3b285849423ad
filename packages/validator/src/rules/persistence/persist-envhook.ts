import type { Rule } from "../../rule.js";

export const rule = {
  id: "PERSIST-ENVHOOK",
  family: "persistence",
  severity: "warning",
  why: "makes every shell run a file first",
  fix: "Source the file in run.sh.",
  // Assignments are found by the walk.
  examples: {
    dangerous: ["export BASH_ENV=/tmp/hook", "BASH_ENV=./setup.sh bash step.sh"],
    honest: ["export ENV_FILE=settings", "echo BASH_ENV"],
  },
} as const satisfies Rule;
