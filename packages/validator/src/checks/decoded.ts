import { DECODERS, ENVIRONMENT_TOOLS, FETCHERS } from "../rules/data/text-sources.js";
import type { Found } from "../rules/report.js";

/** `eval "$(conda shell.bash hook)"` is how environments are set up; other output is anything. */
export function runsDecoded(names: readonly string[], found: Found): void {
  if (names.some((name) => FETCHERS.has(name)))
    found("EXEC-NET-PIPE", "what comes from the network is run");
  else if (
    names.some((name) => DECODERS.has(name) && !/^(perl|python3?|tr)$/.test(name)) ||
    (names.length > 0 && names.every((name) => name === "tr"))
  )
    found("EXEC-PIPE-SHELL", "decoded text is run");
  else if (!names.some((name) => ENVIRONMENT_TOOLS.test(name)))
    found("EXEC-EVAL", "the output of another command is run");
}
