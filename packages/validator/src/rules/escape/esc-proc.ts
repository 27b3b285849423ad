import { readable } from "../../characters.js";
import type { Rule } from "../../rule.js";
import { ASK } from "../advice.js";

/** The file system, the directory and the namespaces of another process. */
const OTHERS = /^\/+proc\/+(\d+|\*|\[[^\]/]{1,20}\][^/]{0,20})\/+(root|cwd|ns|task|fd)(\/|$)/;

export const rule = {
  id: "ESC-PROC",
  family: "escape",
  severity: "error",
  why: "goes through another process to files or namespaces that are not the job's",
  fix: ASK,
  commands: ["*"],
  check: ({ name, args }, report) => {
    if (/^(echo|printf|:|\[|test)$/.test(name)) return;
    for (const arg of args) {
      const path = arg.slice(Math.max(arg.indexOf("=") + 1, 0));
      if (OTHERS.test(path)) report(`${readable(path)} belongs to another process`);
    }
  },
  examples: {
    dangerous: [
      "ls /proc/1/root/",
      "cat /proc/1/root/etc/hosts",
      "nsenter --net=/proc/1/ns/net ip a",
    ],
    honest: ["ls /proc/self/root", "cat /proc/1/comm", "ls -l /proc/$$/fd"],
  },
} as const satisfies Rule;
