import type { Rule } from "../../rule.js";

export const rule = {
  id: "INLINE-EXEC",
  family: "obfuscation",
  severity: "warning",
  why: "starts processes or opens sockets from inline code",
  fix: "Put the program into a file of the job.",
  examples: {
    dangerous: [
      "python3 -c 'import subprocess; subprocess.run([\"ls\"])'",
      "perl -e 'system(\"ls\")'",
    ],
    honest: ["python3 -c 'print(sum(range(10)))'", "awk '{ print $1 }' f"],
  },
} as const satisfies Rule;
