import { protectedPlace } from "../../paths.js";
import { reportWrite } from "../shared/protected.js";
import { isStartupFile } from "../shared/startup-files.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "PERSIST-RC",
  family: "persistence",
  severity: "error",
  why: "changes what happens when somebody logs in",
  fix: "Set what the job needs in run.sh.",
  commands: ["git"],
  check: ({ args }, report) => {
    if (/core\.hookspath/i.test(args.join(" "))) report("git is told to run other hooks");
  },
  checkFile: (use, report) => {
    const { normal, access } = use;
    if (access !== "write") return;
    const place = protectedPlace(normal);
    if (
      place === "rc" ||
      (place === "etc" && isStartupFile(normal)) ||
      /(^|\/)\.git\/hooks\//.test(normal)
    )
      reportWrite(use, report);
  },
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
