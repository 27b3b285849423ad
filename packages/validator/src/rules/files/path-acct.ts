import { readable } from "../../characters.js";
import type { Rule } from "../../rule.js";
import { operands } from "../report.js";

export const rule = {
  id: "PATH-ACCT",
  family: "files",
  severity: "warning",
  why: "reads the list of the machine's accounts",
  fix: "Use $USER or id for who you are.",
  commands: ["getent"],
  check: ({ args }, report) => {
    const words = operands(args);
    if (words[0] === "passwd" && words.length === 1)
      report("getent lists the accounts of the machine");
  },
  checkFile: ({ path, normal }, report) => {
    if (normal === "/etc/passwd" || normal === "/etc/group")
      report(`${readable(path)} lists the accounts of the machine`);
  },
  examples: {
    dangerous: ["cut -d: -f1 /etc/passwd", "getent passwd"],
    honest: ["cat /etc/passwd.md", 'getent passwd "$USER"'],
  },
} as const satisfies Rule;
