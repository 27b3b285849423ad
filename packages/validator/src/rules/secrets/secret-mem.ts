import type { Rule } from "../../rule.js";
import { hasArgument } from "../shared/arguments.js";

const DUMPS = /\bdump\s+(binary\s+)?(memory|value)|generate-core-file|\bgcore\b/;

export const rule = {
  id: "SECRET-MEM",
  family: "secrets",
  severity: "error",
  why: "copies the memory of a process",
  fix: "Let the program write core files or checkpoints of its own.",
  commands: ["gcore", "procdump", "gdb", "lldb", "fridump", "memdump", "avml", "lime"],
  check: ({ name, args }, report) => {
    if (/^(gdb|lldb)$/.test(name) && !hasArgument(args, DUMPS)) return;
    report(`${name} copies a process's memory`);
  },
  examples: {
    dangerous: [
      "gcore 4711",
      'procdump -p "$PPID"',
      'gdb -p "$pid" -batch -ex "dump memory out 0x0 0x1000"',
      "gdb --pid 7 -ex generate-core-file",
    ],
    honest: ["./gcore-reader core.4711", "echo gcore", "gdb -batch -ex bt ./solver core"],
  },
} as const satisfies Rule;
