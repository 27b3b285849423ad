import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DYN-CMD-PARTIAL",
  family: "obfuscation",
  severity: "warning",
  why: "puts the name of the command together with a variable that is not set",
  fix: PLAIN,
  examples: {
    dangerous: ["mk${unset}tool x", "wg${nothing}ex"],
    honest: ["prog_${VERSION} -i in.dat", "./${name}_solver"],
  },
} as const satisfies Rule;
