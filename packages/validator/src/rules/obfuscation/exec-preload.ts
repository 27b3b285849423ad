import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-PRELOAD",
  family: "obfuscation",
  severity: "error",
  why: "loads a library of its own into every program",
  fix: "Build the program against the library that it needs.",
  examples: {
    dangerous: ["LD_PRELOAD=./x.so ls", "export LD_AUDIT=/tmp/x.so"],
    honest: ["LD_LIBRARY_PATH=/opt/lib ./prog", "echo LD_PRELOAD=x", "unset LD_PRELOAD"],
  },
} as const satisfies Rule;
