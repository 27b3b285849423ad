import type { Rule } from "../../rule.js";

export const rule = {
  id: "SECRET-MEM",
  family: "secrets",
  severity: "error",
  why: "copies the memory of a process",
  fix: "Let the program write core files or checkpoints of its own.",
  commands: ["gcore", "procdump"],
  check: ({ name }, report) => report(`${name} copies a process's memory`),
  examples: {
    dangerous: ["gcore 4711", 'procdump -p "$PPID"'],
    honest: ["./gcore-reader core.4711", "echo gcore"],
  },
} as const satisfies Rule;
