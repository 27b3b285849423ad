import { readable } from "../../characters.js";
import {
  deleteTarget,
  dependsOnUnset,
  isBelowUnset,
  normalizePath,
  type DeleteTarget,
} from "../../paths.js";
import type { Report } from "../../rule.js";
import type { Invocation } from "../../unwrap.js";
import { operands } from "../report.js";
import { parseOptions } from "./options.js";

/** The commands that delete the files that they are given. */
export const DELETERS = [
  ...["rm", "unlink", "srm", "wipe", "shred", "rimraf", "trash", "trash-put", "gio"],
  ...["tar", "bsdtar", "gtar", "zip", "7z", "git", "btrfs", "find", "fd", "rsync", "rclone"],
] as const;

interface Deletion {
  readonly path: string;
  readonly recursive: boolean;
}

const DELETES_BELOW = /(^|[\s;/"'])(rm|unlink|shred|srm)\s/;

/** What a command deletes of what it is given. */
function deletionsOf({ name, args }: Invocation): readonly Deletion[] {
  const all = (paths: readonly string[], recursive = true): Deletion[] =>
    paths.map((path) => ({ path, recursive }));
  switch (name) {
    case "rm":
    case "unlink":
    case "srm":
    case "wipe": {
      const { given, operands: paths } = parseOptions(args, "");
      return all(
        paths,
        ["r", "R", "recursive"].some((option) => given.has(option)),
      );
    }
    case "shred":
      return all(parseOptions(args, "n:s:", ["iterations", "size", "random-source"]).operands);
    case "rimraf":
    case "trash":
    case "trash-put":
      return all(operands(args));
    case "gio":
      return /^(trash|remove)$/.test(args[0] ?? "") ? all(operands(args.slice(1))) : [];
    case "find":
      return all(foundAndDeleted(args));
    case "fd":
      return args.some((arg) => /^(-x|-X|--exec|--exec-batch)$/.test(arg)) && args.includes("rm")
        ? all(operands(args))
        : [];
    case "rsync":
    case "rclone":
      return synchronized(name, args);
    case "git":
      return gitCleaned(args);
    case "btrfs":
      return args[0] === "subvolume" && args[1] === "delete" ? all(operands(args.slice(2))) : [];
    default:
      return all(archived(name, args));
  }
}

/** Where a `find` begins that deletes what it comes to. */
function foundAndDeleted(args: readonly string[]): readonly string[] {
  const deletes = args.some(
    (arg, at) =>
      arg === "-delete" ||
      (/^-(exec|execdir|ok|okdir)$/.test(arg) && runsDeleter(args.slice(at + 1, at + 12))),
  );
  return deletes ? startsOfFind(args) : [];
}

function runsDeleter(command: readonly string[]): boolean {
  if (/(^|\/)(rm|shred|unlink|srm|rmdir)$/.test(command[0] ?? "")) return true;
  const shell = /(^|\/)(ba|da|z|k)?sh$/.test(command[0] ?? "");
  return shell && command.some((word) => DELETES_BELOW.test(word));
}

/** The directories that a `find` is told to begin with. */
export function startsOfFind(args: readonly string[]): readonly string[] {
  const first = args.findIndex(
    (arg) => (arg.startsWith("-") && !/^-[HLPO]/.test(arg)) || arg === "(",
  );
  return args.slice(0, first === -1 ? undefined : first).filter((arg) => !arg.startsWith("-"));
}

/** The target of a synchronization that deletes what its source has not, and the source that it moves away. */
function synchronized(name: string, args: readonly string[]): Deletion[] {
  if (name === "rclone")
    return /^(purge|delete|sync|rmdirs)$/.test(args[0] ?? "")
      ? [{ path: operands(args).at(-1) ?? "", recursive: true }]
      : [];
  const paths = parseOptions(args, "e:f:M:T:B:", ["rsh", "filter", "exclude", "include"]).operands;
  if (args.some((arg) => arg.startsWith("--del")))
    return [{ path: paths.at(-1) ?? "", recursive: true }];
  return args.includes("--remove-source-files")
    ? paths.slice(0, -1).map((path) => ({ path, recursive: true }))
    : [];
}

function gitCleaned(args: readonly string[]): Deletion[] {
  const { given, operands: words } = parseOptions(args, "+C:c:", ["git-dir", "work-tree"]);
  if (words[0] !== "clean") return [];
  const places = given.get("C") ?? given.get("work-tree") ?? [];
  return [...places, ...operands(words.slice(1))].map((path) => ({ path, recursive: true }));
}

/** What an archiver deletes as soon as it is in the archive. */
function archived(name: string, args: readonly string[]): readonly string[] {
  if (name === "zip") {
    const { given, operands: paths } = parseOptions(args, "b:t:n:P:");
    return given.has("m") || given.has("move") ? paths.slice(1) : [];
  }
  if (name === "7z") return args.includes("-sdel") ? operands(args).slice(2) : [];
  if (!args.includes("--remove-files")) return [];
  const { given, operands: paths } = parseOptions(args, "f:C:T:X:b:", ["file", "directory"]);
  const place = (given.get("C") ?? given.get("directory"))?.at(-1);
  return paths.map((path) =>
    place === undefined || path.startsWith("/") ? path : normalizePath(`${place}/${path}`),
  );
}

const TARGETS = {
  root: { id: "DEL-ROOT", what: "the whole file system" },
  home: { id: "DEL-HOME", what: "the home directory" },
  system: { id: "DEL-SYSDIR", what: "a directory of the system" },
  parent: { id: "DEL-PARENT", what: "what lies above the job" },
} as const satisfies Record<DeleteTarget, { readonly id: string; readonly what: string }>;

/** What lies below the directories of the system, and is nobody's scratch space. */
const OF_SYSTEM =
  /^\/(etc|usr|boot|lib|lib32|lib64|bin|sbin|root|opt|srv|var\/(lib(?!\/apt\/lists)|log|spool|mail|www|backups))\/([^/*]|\*+[^/*])/;

type DeletionRule = "DEL-ROOT" | "DEL-HOME" | "DEL-SYSDIR" | "DEL-PARENT" | "DEL-UNSET";

/** Reports what a command deletes, as far as it is the concern of one rule. */
export function reportDeletions(id: DeletionRule, invocation: Invocation, report: Report): void {
  for (const { path, recursive } of deletionsOf(invocation)) {
    const target = deleteTarget(path);
    const shown = readable(path);
    if (target === null) {
      if (id === "DEL-SYSDIR" && !isBelowUnset(path) && OF_SYSTEM.test(normalizePath(path)))
        report(`${shown} belongs to the system`);
    } else if (dependsOnUnset(path)) {
      if (id === "DEL-UNSET" && recursive) report(`${shown} is deleted if the variable is empty`);
    } else if (id === TARGETS[target].id && (recursive || /[*?]/.test(path) || target === "root")) {
      report(`${shown} is ${TARGETS[target].what}`);
    }
  }
}
