import { readable } from "../../characters.js";
import { deleteTarget, dependsOnUnset, normalizePath } from "../../paths.js";
import type { Rule } from "../../rule.js";
import { STAY } from "../advice.js";
import { hasOption, operands } from "../report.js";
import { startsOfFind } from "../shared/deletions.js";

const CHANGERS = /^(chmod|chown|chgrp|setfacl|chattr)$/;

export const rule = {
  id: "DEL-PERM",
  family: "destructive",
  severity: "error",
  why: "changes the permissions or owners of the system",
  fix: STAY,
  commands: ["chmod", "chown", "chgrp", "setfacl", "find"],
  followsPaths: true,
  check: ({ name, args }, report) => {
    if (name === "find") {
      const changer = args.find(
        (arg, at) => CHANGERS.test(arg) && /^-(exec|execdir|ok|okdir)$/.test(args[at - 1] ?? ""),
      );
      if (changer === undefined) return;
      for (const path of startsOfFind(args))
        if (isOfOthers(path)) report(`${changer} changes what lies below ${readable(path)}`);
      return;
    }
    // `chmod -x`: a mode, and not an option.
    const words = args.filter((arg) => !/^(-[RcfvhHLP]+|--.*)$/.test(arg));
    const [mode = "", ...paths] = name === "setfacl" ? operands(args) : words;
    const every = hasOption(args, "R", "--recursive");
    for (const path of paths) {
      // To look after one's own home directory is no harm; to open it to everyone is.
      const own = deleteTarget(path) === "home" && !every && !/[2367]$|[oa]\+\w*w/.test(mode);
      if (isOfOthers(path) && !(own && name === "chmod"))
        report(`${name} changes ${readable(path)}`);
    }
  },
  examples: {
    dangerous: [
      "chmod -R 777 /",
      "chown -R me /etc/ssl",
      "find /usr -exec chmod 000 {} +",
      "chmod 777 ~",
      "chmod -x /bin/*",
    ],
    honest: ["chmod -R g+rX results", "chmod 700 ~", "find . -type f -exec chmod 644 {} +"],
  },
} as const satisfies Rule;

function isOfOthers(path: string): boolean {
  if (dependsOnUnset(path)) return false;
  return (
    deleteTarget(path) !== null ||
    /^\/(etc|usr|boot|lib|lib64|bin|sbin)\//.test(normalizePath(path))
  );
}
