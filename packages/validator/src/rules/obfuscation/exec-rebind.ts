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
    if (name === "enable" && args.includes("-f"))
      report("enable -f loads a command from a library");
  },
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
