import { STAY } from "../advice.js";
import type { Rule } from "../../rule.js";
import { DELETERS, reportDeletions } from "../shared/deletions.js";

export const rule = {
  id: "DEL-PARENT",
  family: "destructive",
  severity: "error",
  why: "deletes directories above the job's own",
  fix: STAY,
  commands: DELETERS,
  followsPaths: true,
  check: (invocation, report) => reportDeletions("DEL-PARENT", invocation, report),
  examples: {
    dangerous: ["rm -rf ../..", "cd ../.. && rm -rf *"],
    honest: ["rm -rf ../old-results", "cd build && rm -rf *"],
  },
} as const satisfies Rule;
