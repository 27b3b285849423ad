import { protectedPlace } from "../../paths.js";
import type { Rule } from "../../rule.js";
import { reportWrite } from "../shared/protected.js";

export const rule = {
  id: "PATH-LOG",
  family: "files",
  severity: "error",
  why: "writes to the logs of the machine",
  fix: "Write to files of the job.",
  checkFile: (use, report) => {
    if (use.access === "write" && protectedPlace(use.normal) === "log") reportWrite(use, report);
  },
  examples: {
    dangerous: ["echo x >> /var/log/syslog", "truncate -s 0 /var/log/auth.log"],
    honest: ["tail /var/log/app.log", "mkdir -p var/log && date > var/log/run.log"],
  },
} as const satisfies Rule;
