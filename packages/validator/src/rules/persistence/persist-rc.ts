import { readable } from "../../characters.js";
import { protectedPlace } from "../../paths.js";
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
  checkFile: ({ path, normal, access }, report) => {
    if (access !== "write") return;
    const place = protectedPlace(normal);
    if (
      place === "rc" ||
      (place === "etc" && isStartupFile(normal)) ||
      /(^|\/)\.git\/hooks\//.test(normal)
    )
      report(`${readable(path)} is written to`);
  },
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
