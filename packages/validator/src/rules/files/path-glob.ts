import { readable } from "../../characters.js";
import type { Rule } from "../../rule.js";
import { isCredential, matchesCredential } from "../shared/credentials.js";

export const rule = {
  id: "PATH-GLOB",
  family: "files",
  severity: "error",
  why: "has a pattern that matches passwords or keys",
  fix: "Name the files that are needed.",
  checkFile: ({ path, normal }, report) => {
    if (!isCredential(normal) && matchesCredential(normal))
      report(`${readable(path)} matches files with credentials`);
  },
  examples: {
    dangerous: [
      "cat /etc/sh?dow",
      "cat /e*t*c*/s*h*a*d*o*w*",
      "head /home/*/.ssh/id_*",
      "cat /etc/@(passwd|shadow)",
      "cat /etc/shado{v..x}",
      "cat /{var,usr}/../{tmp,etc}/shado?",
    ],
    honest: ["cat /etc/*-release", "ls ~/*", "cat data/sh?dow/*.csv", "wc -l /tmp/*/*.log"],
  },
} as const satisfies Rule;
