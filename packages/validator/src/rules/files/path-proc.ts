import { isKnown, readable } from "../../characters.js";
import type { FileUse, Rule } from "../../rule.js";

/** What a process keeps to itself. */
const PRIVATE = /^(environ|mem|maps|smaps|root|cwd|fd|fdinfo|map_files|auxv|syscall|stack)$/;
/** What a script may look at of a process that it has started, or of itself. */
const OF_OWN = /^(fd|fdinfo|maps|smaps|cwd)$/;

export const rule = {
  id: "PATH-PROC",
  family: "files",
  severity: "error",
  why: "looks into the memory or environment of other processes",
  fix: "Use what the job's own variables say.",
  commands: ["gdb", "strace", "ltrace"],
  check: ({ name, args }, report) => {
    const text = args.join(" ");
    if (!/(^|\s)(-p|--pid|attach)\b/.test(text)) return;
    const first = /(-p|--pid=?|attach)\s*1(\s|$)/.test(text);
    report(`${name} looks into another process`, first ? undefined : "warning");
  },
  checkFile: (use, report) => {
    if (/^\/(dev\/(k?mem|port)|proc\/kcore)$/.test(use.normal) || belongsToOthers(use))
      report(`${readable(use.path)} belongs to other processes`);
  },
  examples: {
    dangerous: [
      "cat /proc/1/environ",
      "cat /proc/[1-9]*/environ",
      "strings /proc/$pid/mem",
      "ls /proc/1/root/",
      "dd if=/dev/mem bs=1k count=1",
      "gdb -p 1 -batch",
    ],
    honest: [
      "cat /proc/$$/fd/0",
      "cat /proc/1/cgroup",
      "cat /proc/self/status /proc/*/status",
      "cat /proc/cpuinfo",
      "ls ../proc/1/environ",
    ],
  },
} as const satisfies Rule;

/** `/proc/PID/environ`, under any number, pattern or value. */
function belongsToOthers({ path, normal }: FileUse): boolean {
  if (!path.includes("proc")) return false;
  // The normalized path has the file system of a process for what it is; here it matters whose it is.
  const found = /^\/+proc\/+([^/]{1,100})\/+(?:task\/+[^/]{1,100}\/+)?(\w+)(\/|$)/;
  const [, process = "", entry = ""] = found.exec(normal) ?? found.exec(path) ?? [];
  const ofAll = /[*?[{]/.test(process);
  if (ofAll && entry === "cmdline") return true;
  if (!PRIVATE.test(entry)) return false;
  if (ofAll || /^\d+$/.test(process)) return true;
  return !isKnown(process) && !OF_OWN.test(entry);
}
