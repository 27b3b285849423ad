import { readable } from "../characters.js";
import {
  CONTAINER_SOCKET,
  isCredential,
  matchesCredential,
  normalizePath,
  protectedPlace,
} from "../paths.js";
import { checkOverwrite } from "./shared/overwrite.js";
import type { CommandRule, Found } from "./report.js";
import { hasOption, operands } from "./report.js";

/** Commands whose arguments are text, not files. */
const TEXT_ONLY = new Set([
  "echo",
  "printf",
  ":",
  "true",
  "false",
  "test",
  "[",
  "logger",
  "export",
  "alias",
  "unset",
  "local",
  "declare",
  "trap",
  "return",
  "exit",
  "read",
]);
/** Which of their operands commands write to. */
const WRITERS: Readonly<Record<string, "last" | "all">> = {
  tee: "all",
  touch: "all",
  cp: "last",
  mv: "last",
  ln: "last",
  install: "last",
  truncate: "all",
  mkdir: "all",
  mkfifo: "all",
  rsync: "last",
  nano: "all",
  vim: "all",
  vi: "all",
  emacs: "all",
  ed: "all",
  ex: "all",
  patch: "all",
  chattr: "all",
  setfacl: "all",
  csplit: "all",
  split: "last",
  xxd: "last",
};
/** Options whose value is a file or directory that is written to. */
const OUTPUT_OPTIONS: Readonly<Record<string, RegExp>> = {
  sort: /^(-o|--output=?)(.*)$/,
  gcc: /^(-o)(.*)$/,
  cc: /^(-o)(.*)$/,
  "g++": /^(-o)(.*)$/,
  clang: /^(-o)(.*)$/,
  ld: /^(-o)(.*)$/,
  openssl: /^(-out)()$/,
  find: /^(-fprintf?|-fls|-fprint0)()$/,
  tar: /^(-C|--directory=?)(.*)$/,
  unzip: /^(-d)(.*)$/,
  curl: /^(-o|--output=?|--output-dir=?)(.*)$/,
  wget: /^(-O|-P|--output-document=?|--directory-prefix=?)(.*)$/,
  dd: /^(of=)(.*)$/,
  cp: /^(-t|--target-directory=?)(.*)$/,
  mv: /^(-t|--target-directory=?)(.*)$/,
  install: /^(-t|--target-directory=?)(.*)$/,
  base64: /^(-o)(.*)$/,
  strip: /^(-o)(.*)$/,
  ffmpeg: /^(-o)()$/,
};

export const fileRules: CommandRule = ({ name, args }, found) => {
  if (TEXT_ONLY.has(name)) return;
  for (const arg of args) checkRead(stripPrefix(arg), found);
  const writes = WRITERS[name];
  const files = operands(args);
  if (writes === "all") for (const path of files) checkWrite(path, found);
  if (writes === "last" && files.length > 1) checkWrite(files.at(-1) ?? "", found);
  const option = OUTPUT_OPTIONS[name];
  if (
    option !== undefined &&
    (name !== "tar" || /(^|\s)-\w*x|^\w*x|--extract|--get/.test(args.join(" ")))
  ) {
    for (const [at, arg] of args.entries()) {
      const match = option.exec(arg);
      if (match !== null) checkWrite(match[2] || (args[at + 1] ?? ""), found, true);
    }
  }
  if (
    (name === "sed" || name === "perl") &&
    args.some((arg) => /^(-i|--in-place)/.test(arg) || /^-[nErpsuz]*i/.test(arg))
  )
    for (const path of files.slice(1)) checkWrite(path, found);
  if (/^([gmn]?awk|sed)$/.test(name)) checkOwnWrites(args, found);
  if (/^(vim?|ex|ed)$/.test(name))
    for (const arg of args) {
      const path = /^:?w!?\s+(\S+)/.exec(arg)?.[1];
      if (path !== undefined) checkWrite(path, found);
    }
  if (
    name === "cp" &&
    hasOption(args, "raR", "--recursive") &&
    files.slice(0, -1).some((path) => /^\/(etc|root|home)\/?$/.test(path))
  )
    found("PATH-CRED", "cp takes the machine's configuration along", "warning");
  if (name === "chmod")
    for (const path of files.slice(1)) if (protectedPlace(path) !== null) checkWrite(path, found);
  if (name === "hash" && args.includes("-p"))
    found("EXEC-REBIND", "hash -p gives a command another meaning");
  if (name === "enable" && args.includes("-f"))
    found("EXEC-REBIND", "enable -f loads a command from a library");
  if (
    ["gdb", "strace", "ltrace"].includes(name) &&
    /(^|\s)(-p|--pid|attach)\b/.test(args.join(" "))
  )
    found(
      "PATH-PROC",
      `${name} looks into another process`,
      /(-p|--pid=?|attach)\s*1(\s|$)/.test(args.join(" ")) ? undefined : "warning",
    );
};

/** Files that awk and sed write from inside their programs. */
function checkOwnWrites(args: readonly string[], found: Found): void {
  for (const arg of args) {
    for (const [, path = ""] of arg.matchAll(/>>?\s*"(\/[^"]+)"/g)) checkWrite(path, found);
    for (const [, path = ""] of arg.matchAll(/(?:^|[;\s/])w\s+(\/\S+)/g)) checkWrite(path, found);
  }
}

/** A file that is read, or only named. */
export function checkRead(path: string, found: Found): void {
  // Most words are no paths.
  if (!path.includes("/")) return;
  const normal = normalizePath(path);
  if (isCredential(path)) found("PATH-CRED", `${readable(path)} holds credentials`);
  else if (/[*?[]/.test(normal) && matchesCredential(normal))
    found("PATH-GLOB", `${readable(path)} matches files with credentials`);
  if (normal === "/etc/passwd" || normal === "/etc/group")
    found("PATH-ACCT", `${readable(path)} lists the accounts of the machine`);
  if (
    /^\/proc\/(\d+|\*|[^/]*[\uE000\uE004-\uE006][^/]*|\[0-9\][^/]*)\/(environ|mem|maps|root|cwd|fd)(\/|$)/.test(
      normal,
    ) ||
    /^\/proc\/(1|\*)\//.test(normal) ||
    /^\/(dev\/(k?mem|port)|proc\/kcore)$/.test(normal)
  ) {
    found("PATH-PROC", `${readable(path)} belongs to other processes`);
  }
  if (CONTAINER_SOCKET.test(normal))
    found("PATH-CTRSOCK", `${readable(path)} controls the container engine`);
}

/** A file that is written to. */
export function checkWrite(path: string, found: Found, directory = false): void {
  if (directory && normalizePath(path) === "/")
    found("PATH-SYSWRITE", "the top of the file system is written to");
  checkOverwrite(path, found);
  checkRead(path, found);
  const shown = readable(path);
  switch (protectedPlace(path)) {
    case "etc":
      found(
        /^\/etc\/(cron|profile|bash|systemd|init|rc)/.test(normalizePath(path))
          ? "PERSIST-RC"
          : "PATH-ETCWRITE",
        `${shown} is written to`,
      );
      break;
    case "system":
      found("PATH-SYSWRITE", `${shown} is written to`);
      break;
    case "log":
      found("PATH-LOG", `${shown} is written to`);
      break;
    case "spool":
      found("PERSIST-SCHED", `${shown} is written to`);
      break;
    case "rc":
      found("PERSIST-RC", `${shown} is written to`);
      break;
    case "proc":
      found("PATH-PROCSYS", `${shown} is written to`);
      break;
    case null:
      if (/(^|\/)\.git\/hooks\//.test(path)) found("PERSIST-RC", `${shown} is written to`);
  }
}

function stripPrefix(arg: string): string {
  return arg.replace(/^(--?[\w-]+=|@|file:\/\/|if=|of=)/, "");
}
