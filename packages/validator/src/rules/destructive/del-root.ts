import { STAY } from "../advice.js";
import type { Rule } from "../../rule.js";
import { DELETERS, reportDeletions } from "../shared/deletions.js";

export const rule = {
  id: "DEL-ROOT",
  family: "destructive",
  severity: "error",
  why: "deletes the whole file system",
  fix: STAY,
  commands: DELETERS,
  followsPaths: true,
  check: (invocation, report) => reportDeletions("DEL-ROOT", invocation, report),
  examples: {
    dangerous: [
      "rm -rf /",
      "find / -name core -delete",
      "cd / && rm -rf *",
      "tar -C / --remove-files -cf old.tar .",
      "find / -exec sh -c 'rm -f \"$1\"' _ {} \\;",
    ],
    honest: ["rm -rf ./results", "rm -rf /scratch/me/run-7", "find . -name core -delete"],
  },
} as const satisfies Rule;
