import { readable } from "../../characters.js";
import { deleteTarget, dependsOnUnset, isBelowUnset, normalizePath } from "../../paths.js";
import type { Rule } from "../../rule.js";
import { STAY } from "../advice.js";
import { parseOptions } from "../shared/options.js";

export const rule = {
  id: "DEL-MVNULL",
  family: "destructive",
  severity: "error",
  why: "moves files to where they are lost",
  fix: STAY,
  commands: ["mv"],
  followsPaths: true,
  check: ({ args }, report) => {
    const { given, operands } = parseOptions(args, "t:S:", ["target-directory", "suffix"]);
    const into = (given.get("t") ?? given.get("target-directory"))?.at(-1);
    const target = into ?? operands.at(-1) ?? "";
    if (normalizePath(target) === "/dev/null")
      report(`${readable(operands[0] ?? "")} is moved to /dev/null`);
    for (const path of into === undefined ? operands.slice(0, -1) : operands) {
      const kind = deleteTarget(path);
      const ofSystem =
        !isBelowUnset(path) && /^\/(etc|usr|boot|lib|lib64|bin|sbin)\//.test(normalizePath(path));
      if ((kind !== null && kind !== "parent" && !dependsOnUnset(path)) || ofSystem)
        report(`${readable(path)} is moved away`);
    }
  },
  examples: {
    dangerous: [
      "mv results /dev/null",
      "mv ~ /tmp/old",
      "mv -t /tmp /etc/hosts",
      "cd / && mv usr /tmp",
    ],
    honest: [
      "mv results ~/archive/",
      "mv -t archive out.log",
      "mv $SITE_PREFIX/bin/tool .",
      "mv a.txt > /dev/null b.txt",
    ],
  },
} as const satisfies Rule;
