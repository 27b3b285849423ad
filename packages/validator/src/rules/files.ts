import { readable } from "../characters.js";
import { CONTAINER_SOCKET, isCredential, normalizePath, protectedPlace } from "../paths.js";
import { checkOverwrite } from "./destructive.js";
import type { CommandRule, Found } from "./report.js";
import { operands } from "./report.js";

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
const WRITERS: Readonly<Record<string, "last" | "all" | "of">> = {
  tee: "all",
  touch: "all",
  cp: "last",
  mv: "last",
  ln: "last",
  install: "last",
  truncate: "all",
  dd: "of",
  mkdir: "all",
  mkfifo: "all",
  rsync: "last",
};

export const fileRules: CommandRule = ({ name, args }, found) => {
  if (TEXT_ONLY.has(name)) return;
  for (const arg of args) checkRead(stripPrefix(arg), found);
  const writes = WRITERS[name];
  const files = operands(args);
  if (writes === "all") for (const path of files) checkWrite(path, found);
  if (writes === "last" && files.length > 1) checkWrite(files.at(-1) ?? "", found);
  if (writes === "of")
    for (const arg of args) if (arg.startsWith("of=")) checkWrite(arg.slice(3), found);
  if (
    name === "sed" &&
    args.some((arg) => /^(-i|--in-place)/.test(arg) || /^-[nErsuz]*i/.test(arg))
  )
    for (const path of files.slice(1)) checkWrite(path, found);
  if (["grep", "egrep", "fgrep", "rg", "find", "locate"].includes(name))
    checkHunt(name, args, found);
  if (name === "hash" && args.includes("-p"))
    found("EXEC-REBIND", "hash -p gives a command another meaning");
  if (name === "enable" && args.includes("-f"))
    found("EXEC-REBIND", "enable -f loads a command from a library");
  if (
    ["gcore", "gdb", "strace", "ltrace"].includes(name) &&
    /(^|\s)(-p|--pid|attach)\b/.test(args.join(" "))
  )
    found("PATH-PROC", `${name} looks into another process`, "warning");
};

/** A file that is read, or only named. */
export function checkRead(path: string, found: Found): void {
  // Most words are no paths.
  if (!path.includes("/")) return;
  const normal = normalizePath(path);
  if (isCredential(path)) found("PATH-CRED", `${readable(path)} holds credentials`);
  if (
    /^\/proc\/(\d+|\*|[^/]*\uE000[^/]*|\[0-9\][^/]*)\/(environ|mem|maps|root|cwd|fd)(\/|$)/.test(
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
export function checkWrite(path: string, found: Found): void {
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

function checkHunt(name: string, args: readonly string[], found: Found): void {
  const text = args.join(" ");
  const wide = args.some((arg) => /^(\/|\/home|\/root|\/etc|\/var|\uE002)\/?$/.test(arg));
  const secret =
    /id_rsa|id_ed25519|\.pem\b|password|passwd|secret|credential|api[_-]?key|token|AKIA|BEGIN .*PRIVATE KEY|\.kdbx|wallet\.dat/i.test(
      text,
    );
  const setId = name === "find" && /-perm\s+[-/]?(u=s|[2467]000|\+s)/.test(text);
  if ((wide && secret) || setId)
    found(
      "SECRET-HUNT",
      `${name} searches the machine for ${setId ? "privileged programs" : "secrets"}`,
    );
}
