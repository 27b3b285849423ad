import type { Invocation } from "../../unwrap.js";

type Command = Pick<Invocation, "name" | "args">;

/** Whether commands, as in `kill $(...)`, list the processes of everyone, and nothing chooses among them. */
export function listsEveryProcess(commands: readonly Command[]): boolean {
  return commands.some(listsAll) && !commands.some(chooses);
}

function listsAll({ name, args }: Command): boolean {
  if (name === "ps")
    return args.some((arg) =>
      /^(-[a-zA-Z]{0,8}[eA][a-zA-Z]{0,8}|[a-z]{0,8}a[a-z]{0,8}x?[a-z]{0,8}|-ax\w*)$/.test(arg),
    );
  return name === "pgrep" && args.some((arg) => /^(\.|\.\*|)$/.test(arg));
}

function chooses({ name, args }: Command): boolean {
  if (/^([ef]?grep|rg|pidof|lsof|head|tail|comm|join)$/.test(name)) return true;
  if (name === "ps") return args.some((arg) => /^(-C|-u|-U|-g|-p|-q|--ppid|-t)$/.test(arg));
  if (name === "pgrep") return !args.some((arg) => /^(\.|\.\*|)$/.test(arg));
  // A program that only prints a column does not choose; one with a pattern does.
  return (
    /^([gmn]?awk|sed|perl|python\d?)$/.test(name) &&
    !args.some((arg) => /^\{?\s?print \$\d+;?\s?\}?$/.test(arg) || /^1d$/.test(arg))
  );
}
