import { readable } from "../../characters.js";
import { deleteTarget, dependsOnUnset, protectedPlace } from "../../paths.js";
import type { Rule } from "../../rule.js";
import { STAY } from "../advice.js";
import { parseOptions } from "../shared/options.js";
import { startsOfFind } from "../shared/deletions.js";

export const rule = {
  id: "DEL-TRUNC",
  family: "destructive",
  severity: "error",
  why: "empties a file of the system",
  fix: STAY,
  commands: ["truncate", "fallocate", "find"],
  followsPaths: true,
  checkFile: ({ path, access }, report) => {
    if (access !== "write" || !/[*?]/.test(path) || dependsOnUnset(path)) return;
    if (/^(root|home|system)$/.test(deleteTarget(path) ?? ""))
      report(`${readable(path)} is overwritten`);
  },
  check: ({ name, args }, report) => {
    if (name === "find") {
      const truncates = args.some(
        (arg, at) => /^-(exec|execdir)$/.test(arg) && empties(args.slice(at + 1, at + 8)),
      );
      if (!truncates) return;
      for (const path of startsOfFind(args))
        if (isOfOthers(path)) report(`what lies below ${readable(path)} is emptied`);
      return;
    }
    for (const path of parseOptions(args, "s:r:o:l:", ["size", "reference", "offset", "length"])
      .operands)
      if (isOfOthers(path)) report(`${readable(path)} is emptied`);
  },
  examples: {
    dangerous: [
      "truncate -s 0 /etc/hosts",
      "truncate --size 0 ~/*",
      "find /home -type f -exec truncate -s 0 {} +",
      "find /usr -type f -exec sh -c ': > \"$1\"' _ {} \\;",
      'for f in ~/*; do > "$f"; done',
    ],
    honest: [
      "truncate -s 0 run.log",
      "truncate -s 10M ~/work/padding",
      "find . -exec cp {} out/ \\;",
    ],
  },
} as const satisfies Rule;

function isOfOthers(path: string): boolean {
  return protectedPlace(path) !== null || /^(root|home|system)$/.test(deleteTarget(path) ?? "");
}

function empties(command: readonly string[]): boolean {
  const [program = ""] = command;
  if (program === "truncate") return true;
  if (program === "cp" || program === "tee") return command.includes("/dev/null");
  return (
    /(^|\/)(ba|da)?sh$/.test(program) &&
    command.some((word) => /(^|[;:&|\s])>\s?["']?[{$]/.test(word))
  );
}
