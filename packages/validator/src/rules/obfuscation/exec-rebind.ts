import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-REBIND",
  family: "obfuscation",
  severity: "error",
  why: "gives a command another meaning",
  fix: PLAIN,
  commands: ["hash", "enable"],
  check: ({ name, args }, report) => {
    if (name === "hash" && args.includes("-p")) report("hash -p gives a command another meaning");
    if (name === "enable" && args.some((arg) => /^-\w*f/.test(arg)))
      report("enable -f loads a command from a library");
  },
  examples: {
    dangerous: ["hash -p /tmp/x ls", "enable -f ./x.so x"],
    honest: ["hash -r", "enable -n test", "hash ls"],
  },
} as const satisfies Rule;
