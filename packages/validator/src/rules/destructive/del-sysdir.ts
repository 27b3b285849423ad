import { STAY } from "../advice.js";
import type { Rule } from "../../rule.js";
import { DELETERS, reportDeletions } from "../shared/deletions.js";

export const rule = {
  id: "DEL-SYSDIR",
  family: "destructive",
  severity: "error",
  why: "deletes a directory of the system",
  fix: STAY,
  commands: DELETERS,
  followsPaths: true,
  check: (invocation, report) => reportDeletions("DEL-SYSDIR", invocation, report),
  examples: {
    dangerous: [
      "rm -rf /usr/lib",
      "unlink /etc/hosts",
      "rm -rf ../../../../../var/log",
      "git -C /etc clean -fdx",
    ],
    honest: [
      "rm -rf usr/lib",
      "rm -f /tmp/etc",
      'rm -f "$SITE_PREFIX/bin/tool"',
      "rm -rf /dev/shm/run-7",
    ],
  },
} as const satisfies Rule;
