import type { Severity } from "../diagnostic.js";
import type { RuleId } from "./index.js";

/** Called with what a rule has found; the severity is the rule's own unless said. */
export type Found = (rule: RuleId, message: string, severity?: Severity) => void;

/** The arguments that are not options. */
export function operands(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  const before = end === -1 ? args : args.slice(0, end);
  return [
    ...before.filter((arg) => !arg.startsWith("-") || arg === "-"),
    ...(end === -1 ? [] : args.slice(end + 1)),
  ];
}

/** Whether one of the short options is given, alone or together with others, or the long one. */
export function hasOption(args: readonly string[], short: string, long = ""): boolean {
  return args.some(
    (arg) =>
      (long !== "" && (arg === long || arg.startsWith(`${long}=`))) ||
      (/^-[A-Za-z]+$/.test(arg) && [...short].some((char) => arg.includes(char))),
  );
}
