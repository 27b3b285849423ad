import { STAY } from "../advice.js";
import type { Rule } from "../../rule.js";
import { DELETERS, reportDeletions } from "../shared/deletions.js";

export const rule = {
  id: "DEL-HOME",
  family: "destructive",
  severity: "error",
  why: "deletes a whole home directory",
  fix: STAY,
  commands: DELETERS,
  followsPaths: true,
  check: (invocation, report) => reportDeletions("DEL-HOME", invocation, report),
  examples: {
    dangerous: [
      "rm -rf ~",
      'rm -rf "${OUT:-$HOME}"',
      "find ~ -type f -delete",
      "rsync -a --delete empty/ ~/",
      "find ~ -print0 | xargs -0 rm -f",
    ],
    honest: [
      "rm -rf ~/scratch/run-7",
      "find ~/runs/old -delete",
      "rsync -a --delete results/ ~/results/",
    ],
  },
} as const satisfies Rule;
