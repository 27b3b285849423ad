import type { Rule } from "../../rule.js";
import { DELETERS, reportDeletions } from "../shared/deletions.js";

export const rule = {
  id: "DEL-UNSET",
  family: "destructive",
  severity: "warning",
  why: "deletes from the top of the file system if the variable is empty",
  fix: "Write ${NAME:?} so that it stops when the variable is empty.",
  commands: DELETERS,
  followsPaths: true,
  check: (invocation, report) => reportDeletions("DEL-UNSET", invocation, report),
  examples: {
    dangerous: ['rm -rf "$RESULTS_OF_RUN"/*', "find $RESULTS_OF_RUN/ -delete"],
    honest: ['rm -rf "${RESULTS_OF_RUN:?}"/*', 'D=results; rm -rf "$D"/*'],
  },
} as const satisfies Rule;
