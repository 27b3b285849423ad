import { operands } from "../report.js";

/** Longer texts are looked at piece by piece: a pattern may take the square of a piece. */
const PIECE = 2000;
/** What two pieces have in common, so that nothing is cut in two. */
const OVERLAP = 300;

/** Whether a text matches, however long it is. */
export function matches(text: string, pattern: RegExp): boolean {
  if (text.length <= PIECE) return pattern.test(text);
  for (let start = 0; start < text.length; start += PIECE - OVERLAP)
    if (pattern.test(text.slice(start, start + PIECE))) return true;
  return false;
}

/** Whether an argument matches. */
export function hasArgument(args: readonly string[], pattern: RegExp): boolean {
  return args.some((arg) => matches(arg, pattern));
}

/** Whether one of the options is given: `-d` also in `-sd` or `-dx`, `--data` also in `--data=x`. */
export function hasAnyOption(args: readonly string[], options: readonly string[]): boolean {
  return args.some((arg) =>
    options.some((option) => {
      if (arg === option) return true;
      if (option.startsWith("--")) return arg.startsWith(`${option}=`);
      if (option.length !== 2 || !/^-[A-Za-z]/.test(arg)) return false;
      const letter = option.slice(1);
      return arg.startsWith(option) || (/^-[A-Za-z]{1,12}$/.test(arg) && arg.includes(letter));
    }),
  );
}

/**
 * Whether a command has one of the verbs, as `push` or `s3 cp`. An operand right behind an option may be the option's
 * value: then the verb may come after it.
 */
export function hasVerb(args: readonly string[], verbs: readonly string[]): boolean {
  for (const [at, arg] of args.entries()) {
    if (arg.startsWith("-")) continue;
    const words = operands(args.slice(at, at + 100));
    if (verbs.some((verb) => verb.split(" ").every((word, index) => words[index] === word)))
      return true;
    const before = args[at - 1] ?? "";
    if (!before.startsWith("-") || before.includes("=")) return false;
  }
  return false;
}

/** Whether a program is only asked what it is. */
export function isQuestion(args: readonly string[]): boolean {
  return (
    args.length > 0 &&
    args.every((arg) => /^(-V|-v|-h|-\?|--?version|--?help|help|version)$/.test(arg))
  );
}

/** The last segment of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
