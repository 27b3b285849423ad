import { protectedPlace } from "../../paths.js";
import type { Rule } from "../../rule.js";
import { isMachineStartupFile } from "../shared/startup-files.js";
import { reportWrite } from "../shared/protected.js";
import { STAY } from "../advice.js";

export const rule = {
  id: "PATH-ETCWRITE",
  family: "files",
  severity: "error",
  why: "writes to the configuration of the machine",
  fix: STAY,
  checkFile: (use, report) => {
    const { normal, access } = use;
    if (access === "write" && protectedPlace(normal) === "etc" && !isMachineStartupFile(normal))
      reportWrite(use, report);
  },
  examples: {
    dangerous: [
      "echo 10.0.0.1 mirror >> /etc/hosts",
      "cp hosts ../../../../../etc/hosts",
      "sed -i s/a/b/ /etc/resolv.conf",
    ],
    honest: ["cp /etc/hosts .", "mkdir -p etc && cp app.conf etc/", "echo /etc/hosts > names"],
  },
} as const satisfies Rule;
