import { readable } from "../../characters.js";
import { SHELLS } from "../../embedded.js";
import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";
import { operands } from "../report.js";

export const rule = {
  id: "EXEC-COPYBIN",
  family: "obfuscation",
  severity: "error",
  why: "puts a refused program somewhere under another name",
  fix: PLAIN,
  commands: ["cp", "ln", "install", "mv", "cat", "dd"],
  check: ({ name, args }, report, context) => {
    const sources = name === "dd" ? args.map((arg) => arg.replace(/^if=/, "")) : operands(args);
    for (const source of sources) {
      const program =
        SYSTEM_PROGRAM.exec(source)?.[1] ?? (isBareName(source, args) ? source : null);
      if (program === null) continue;
      if (SHELLS.has(program) || program === "busybox" || context.isRefused(program))
        report(`${readable(program)} is put somewhere under another name`);
    }
  },
  examples: {
    dangerous: [
      "cp /bin/bash ./tool",
      "ln -s /usr/bin/sudo /tmp/s",
      "cat /usr/bin/curl > c",
      "dd if=/bin/sh of=x",
      'cp "$(which curl)" ./c',
    ],
    honest: ["cp /usr/bin/awk ./awk", "cp bash ./tool", "ln -s /opt/curl/data d"],
  },
} as const satisfies Rule;

/** Where the system keeps its programs, and which of them it is. */
const SYSTEM_PROGRAM = /^\/(?:usr\/)?(?:local\/)?s?bin\/([^/]+)$/;

/** What `$(which curl)` comes to. */
function isBareName(source: string, args: readonly string[]): boolean {
  return (
    args.length > 1 && source === args[0] && /^(curl|wget|nc|ncat|socat|sudo|ssh)$/.test(source)
  );
}
