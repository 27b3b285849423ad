import { decodeEscapes } from "./escapes.js";
import { cut, grep, head, substitute, tail, translate } from "./pure-filters.js";
import { echo, formatted } from "./pure-printf.js";

const MAX_ARGUMENT = 2000;

/** What one of the few commands prints that are worked out here; null for all others. */
export function applyCommand(name: string, args: readonly string[], input: string): string | null {
  // Longer arguments spell no word, and looking for patterns in them takes its time.
  const isShort = args.every((arg) => arg.length <= MAX_ARGUMENT);
  switch (name) {
    case "echo":
      return echo(args);
    case "printf":
      return formatted(args);
    case "cat":
      return args.every((arg) => arg === "-") ? input : null;
    case "rev":
      if (args.length > 0) return null;
      return input
        .split("\n")
        .map((line) => [...line].toReversed().join(""))
        .join("\n");
    case "pwd":
      return ".";
    case "tee":
    case "sort":
    case "uniq":
    case "fold":
      return input;
    default:
      return isShort ? (filtered(name, args, input) ?? printed(name, args, input)) : null;
  }
}

/** What a filter makes of its input. */
function filtered(name: string, args: readonly string[], input: string): string | null {
  switch (name) {
    case "tac":
      return `${input.trimEnd().split("\n").toReversed().join("\n")}\n`;
    case "tail":
      return tail(args, input);
    case "grep":
      return grep(args, input);
    case "tr":
      return translate(args, input);
    case "cut":
      return cut(args, input);
    case "head":
      return head(args, input);
    case "sed":
      return substitute(args, input);
    default:
      return null;
  }
}

/** What a command makes of its arguments, or decodes. */
function printed(name: string, args: readonly string[], input: string): string | null {
  switch (name) {
    case "awk":
    case "gawk":
      return awkPrint(args);
    case "python":
    case "python3":
    case "perl":
    case "ruby":
      return printedLiteral(args);

    case "base64":
      if (!args.every((arg) => arg.startsWith("-"))) return null;
      return args.some((arg) => /^(-d|-D|--decode|-di|-id)$/.test(arg))
        ? decode(input, "base64")
        : null;
    case "xxd":
      return args.every((arg) => arg.startsWith("-")) && /r.*p|p.*r/.test(args.join(""))
        ? decode(input, "hex")
        : null;
    case "which":
      return args.at(-1) ?? null;
    case "command":
    case "type":
      return /^-[vVp]+$/.test(args[0] ?? "") ? (args[1] ?? null) : null;
    default:
      return null;
  }
}

/** awk that only prints constants. */
function awkPrint(args: readonly string[]): string | null {
  const program = /^BEGIN\s*\{\s*(printf|print)\b\s*\(?([^{}()|>]*)\)?[\s;]*\}$/.exec(
    args.length === 1 ? (args[0] ?? "") : "",
  );
  if (program === null) return null;
  const values = [...(program[2] ?? "").matchAll(/"((?:\\.|[^"\\])*)"|(\d+)/g)].map(
    ([, text, number]) => decodeEscapes(text ?? number ?? ""),
  );
  const [format = "", ...rest] = values;
  if (program[1] === "print") return `${values.join("")}\n`;
  let next = 0;
  return format.replace(/%([sdc])/g, (_, kind: string) => {
    const value = rest[next++] ?? "";
    return kind === "c" && /^\d+$/.test(value) ? String.fromCharCode(Number(value)) : value;
  });
}

/** An interpreter that only prints a constant. */
function printedLiteral(args: readonly string[]): string | null {
  const match = /^print[\s(]*(["'])([^"'\\]*)\1[\s);]*$/.exec(
    args.length === 2 && /^-[ce]$/.test(args[0] ?? "") ? (args[1] ?? "") : "",
  );
  return match?.[2] ?? null;
}

function decode(input: string, encoding: "base64" | "hex"): string | null {
  const packed = input.replace(/\s/g, "");
  const text = Buffer.from(packed, encoding).toString("utf8");
  return packed !== "" && text === "" ? null : text;
}
