import { bounded } from "../../bounded.js";
import type { Rule } from "../../rule.js";

/** `while (1) fork();` as it stands in C. */
const FORKS_FOREVER =
  /(while\s?\(\s?(1|true)\s?\)|for\s?\(\s?;\s?;\s?\))\s?\{?\s?(if\s?\(\s?)?v?fork\s?\(/;

export const rule = {
  id: "RES-FORKBOMB",
  family: "fork-bomb",
  severity: "error",
  why: "is a function that starts itself again and again",
  fix: "Start a fixed number of processes.",
  // Functions of the script are found in its tree.
  commands: ["gcc", "cc", "clang", "tcc", "g++", "c++", "icc", "nvcc", "rustc"],
  check: ({ name }, report, { input }) => {
    if (FORKS_FOREVER.test(bounded(input.text ?? "")))
      report(`${name} compiles a program that starts itself without end`);
  },
  examples: {
    dangerous: [
      "spawn() { spawn | spawn & }; spawn",
      "one() { two & two & }; two() { one; }; one",
      "echo 'int main() { while (1) fork(); }' | gcc -xc - -o x",
    ],
    honest: [
      'walk() { for d in "$1"/*/; do walk "$d"; done; }; walk data',
      "log() { echo x | tee -a log; }; step() { log a; log b; }; step & wait",
      "gcc -O2 fork.c -o fork",
    ],
  },
} as const satisfies Rule;
