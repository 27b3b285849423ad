import { BudgetExceeded } from "./budget.js";
import { isKnown } from "./characters.js";
import type {
  Command,
  CommandArgument,
  CommandNode,
  ParsedScript,
  SyntaxNode,
  Word,
  WordPart,
} from "./parse.js";
import { decodeEscapes } from "./escapes.js";
import { sedOutput } from "./pure/sed.js";

/** What is asked of whoever works out words. */
export interface WordValues {
  word(word: Word): string[];
  argumentLists(words: readonly CommandArgument[]): string[][];
  text(parts: readonly WordPart[] | undefined, plain: string): string;
  functionBody(name: string): SyntaxNode | undefined;
}

/**
 * What a script prints, when that follows from its text alone; null otherwise. Nothing is run: the few
 * commands that are used to spell a word in a roundabout way are worked out here.
 */
export function evaluateScript(script: ParsedScript, resolver: WordValues): string | null {
  const outputs = script.commands.map((statement) => evaluateNode(statement.command, resolver));
  return outputs.every((output) => output !== null) ? outputs.join("") : null;
}

/** How deep functions and groups are followed. */
const MAX_DEPTH = 20;

function evaluateNode(
  node: SyntaxNode,
  resolver: WordValues,
  stdin = "",
  depth = 0,
): string | null {
  if (depth > MAX_DEPTH)
    throw new BudgetExceeded(`more than ${MAX_DEPTH} functions and groups within each other`);
  switch (node.type) {
    case "Command": {
      if (node.name === undefined) return node.redirects.length > 0 ? null : "";
      const body = resolver.functionBody(node.name.value);
      return body === undefined
        ? evaluateCommand(node, stdin, resolver)
        : evaluateNode(body, resolver, stdin, depth + 1);
    }
    case "Pipeline":
      return evaluatePipe(node.commands, resolver);
    case "BraceGroup":
    case "Subshell":
      return evaluateNode(node.body, resolver, stdin, depth + 1);
    case "CompoundList": {
      const outputs = node.commands.map(({ command }) =>
        evaluateNode(command, resolver, stdin, depth + 1),
      );
      return outputs.every((output) => output !== null) ? outputs.join("") : null;
    }
    case "AndOr": {
      // `which a || which b`; and `a && b` where both are known.
      const [first = null, ...others] = node.commands.map((command) =>
        evaluateNode(command, resolver, stdin, depth + 1),
      );
      if (node.operators.every((operator) => operator === "||")) return first;
      const known = others.every((output) => output !== null);
      const isSequence = node.operators.every((operator) => operator === "&&");
      return isSequence && known && first !== null ? [first, ...others].join("") : null;
    }
    default:
      return null;
  }
}

/** What the last command of a pipe prints. */
export function evaluatePipe(
  commands: readonly CommandNode[],
  resolver: WordValues,
): string | null {
  let text: string | null = commands.length === 0 ? null : "";
  for (const command of commands) {
    if (text === null) return null;
    text = evaluateNode(command, resolver, text);
  }
  return text;
}

function evaluateCommand(node: Command, stdin: string, resolver: WordValues): string | null {
  const words = node.args.filter((argument): argument is Word => argument.type === "Word");
  if (node.name === undefined || words.length !== node.args.length) return null;
  const [argv = []] = resolver.argumentLists([node.name, ...words]);
  const [name = "", ...args] = argv;
  const substituted = words.flatMap(({ parts }) => {
    const part = parts?.length === 1 ? parts[0] : undefined;
    return part?.type === "ProcessSubstitution" && part.operator === "<" && part.script
      ? [evaluateScript(part.script, resolver)]
      : [];
  });
  const input =
    substituted.length === 0 ? inputOf(node, stdin, resolver) : joinedTexts(substituted);
  // Some name, and the same one wherever it is used.
  if (name === "mktemp") return "/tmp/tmp.mktemp\n";
  if (input === null || !args.every(isKnown)) return null;
  const own = substituted.length === 0 ? args : args.filter((arg) => arg !== "/dev/fd/63");
  return apply(name.replace(/^.*\//, ""), own, input);
}

function joinedTexts(texts: readonly (string | null)[]): string | null {
  return texts.includes(null) ? null : texts.join("");
}

/** What a command reads: its here-document or here-string, or what comes through the pipe. */
function inputOf(node: Command, stdin: string, resolver: WordValues): string | null {
  for (const redirect of node.redirects) {
    switch (redirect.type) {
      case "HereString":
        return redirect.target === undefined
          ? null
          : `${resolver.word(redirect.target)[0] ?? ""}\n`;
      case "HereDoc":
        return redirect.delimiter?.quoted === true
          ? redirect.body.text
          : resolver.text(redirect.body.parts, redirect.body.text);
      case "Redirect":
        if (redirect.operator === "<") return null;
    }
  }
  return stdin;
}

function apply(name: string, args: readonly string[], input: string): string | null {
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
    case "true":
    case ":":
    case "cd":
    case "mkdir":
    case "touch":
    case "chmod":
    case "export":
    case "module":
    case "ml":
    case "unset":
    case "sleep":
    case "wait":
    case "shopt":
    case "ulimit":
    case "umask":
      // It prints nothing.
      return "";
    case "pwd":
      return ".";
    case "tee":
    case "sort":
    case "uniq":
    case "fold":
      return input;
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
      return sedOutput(args, input);
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

function echo(args: readonly string[]): string {
  const flags = args.findIndex((arg) => !/^-[neE]+$/.test(arg));
  const words = flags === -1 ? [] : args.slice(flags);
  const options = args.slice(0, flags === -1 ? args.length : flags).join("");
  const text = options.includes("e") ? decodeEscapes(words.join(" ")) : words.join(" ");
  return options.includes("n") ? text : `${text}\n`;
}

/** Characters that printf is followed up to. */
const MAX_PRINTED = 200_000;

/** What `printf` prints; null when it uses a conversion that is not worked out here. */
export function formatted(args: readonly string[]): string | null {
  const [format = "", ...values] = args[0] === "--" ? args.slice(1) : args;
  if (args[0] === "-v") return "";
  let next = 0;
  let output = "";
  // The format is used again for as long as there are values.
  do {
    const before = next;
    output += decodeEscapes(format).replace(/%0?\d{0,2}([sbdiuoxXcq%])/g, (_, kind: string) => {
      if (kind === "%") return "%";
      return converted(kind, values[next++] ?? "");
    });
    if (next === before) break;
    if (output.length > MAX_PRINTED)
      throw new BudgetExceeded(`printf makes more than ${MAX_PRINTED} characters`);
  } while (next < values.length);
  return /%(?!0?\d{0,2}[sbdiuoxXcq%])/.test(format) ? null : output;
}

/** A value as printf prints it; `'c` is the number of the character. */
function converted(kind: string, value: string): string {
  if (kind === "b") return decodeEscapes(value);
  if (kind === "c") return value.slice(0, 1);
  if (!/[diuoxX]/.test(kind)) return value;
  const number = /^["']/.test(value) ? (value.codePointAt(1) ?? 0) : Number(value || 0);
  if (!Number.isSafeInteger(number)) return value;
  const text = number.toString(kind === "o" ? 8 : /x/i.test(kind) ? 16 : 10);
  return kind === "X" ? text.toUpperCase() : text;
}

function translate(args: readonly string[], input: string): string | null {
  const [first = "", second = ""] = args;
  if (first === "-d")
    return input.replace(new RegExp(`[${escapeSet(expandRanges(second))}]`, "g"), "");
  if (first.startsWith("-")) return null;
  const [from, to] = [expandRanges(decodeEscapes(first)), expandRanges(decodeEscapes(second))];
  return [...input]
    .map((char) => {
      const at = from.indexOf(char);
      return at === -1 ? char : (to[Math.min(at, to.length - 1)] ?? "");
    })
    .join("");
}

function cut(args: readonly string[], input: string): string | null {
  const option = (letter: string): string | undefined => {
    const at = args.findIndex((arg) => arg.startsWith(`-${letter}`));
    return at === -1 ? undefined : args[at]?.slice(2) || args[at + 1];
  };
  const range = /^(\d+)(-(\d*))?$/.exec(option("c") ?? option("f") ?? "");
  if (range === null) return null;
  const from = Number(range[1]) - 1;
  const to = range[2] === undefined ? from + 1 : range[3] ? Number(range[3]) : undefined;
  const delimiter = option("c") === undefined ? (option("d") ?? "\t") : "";
  return input
    .split("\n")
    .map((line) => line.split(delimiter).slice(from, to).join(delimiter))
    .join("\n");
}

function head(args: readonly string[], input: string): string | null {
  const text = args.join("");
  const bytes = /^-c(\d+)$/.exec(text)?.[1];
  if (bytes !== undefined) return input.slice(0, Number(bytes));
  const lines = /^-n?(\d+)$/.exec(text)?.[1];
  return lines === undefined ? null : input.split("\n").slice(0, Number(lines)).join("\n");
}

function tail(args: readonly string[], input: string): string | null {
  const count = /^-n?\s*(\+?)(\d+)$/.exec(args.join(" "));
  if (count === null) return null;
  const lines = input.trimEnd().split("\n");
  const number = Number(count[2]);
  return `${lines.slice(count[1] === "+" ? number - 1 : -number).join("\n")}\n`;
}

/** grep with a plain word to look for. */
function grep(args: readonly string[], input: string): string | null {
  const [pattern, ...files] = args.filter((arg) => !arg.startsWith("-"));
  if (pattern === undefined || files.length > 0 || !/^[\w /-]+$/.test(pattern)) return null;
  const lines = input.split("\n").filter((line) => line.includes(pattern));
  return args.some((arg) => /^-\w*o/.test(arg))
    ? lines.map(() => pattern).join("\n")
    : lines.join("\n");
}

/** awk that only prints constants. */
function awkPrint(args: readonly string[]): string | null {
  const program = /^BEGIN\s*\{\s*(printf|print)\s*\(?([^{}()|>]*)\)?\s*;?\s*\}$/.exec(
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
  const match = /^print\s*\(?\s*(["'])([^"'\\]*)\1\s*\)?;?$/.exec(
    args.length === 2 && /^-[ce]$/.test(args[0] ?? "") ? (args[1] ?? "") : "",
  );
  return match?.[2] ?? null;
}

function expandRanges(set: string): string {
  return set
    .replaceAll("[:upper:]", "A-Z")
    .replaceAll("[:lower:]", "a-z")
    .replace(/(.)-(.)/g, (whole: string, from: string, to: string) => {
      const [start, end] = [from.charCodeAt(0), to.charCodeAt(0)];
      if (end < start || end - start > 256) return whole;
      return Array.from({ length: end - start + 1 }, (_, offset) =>
        String.fromCharCode(start + offset),
      ).join("");
    });
}

function escapeSet(set: string): string {
  return set === "" ? "^\\s\\S" : set.replace(/[\\\]^-]/g, "\\$&");
}

function decode(input: string, encoding: "base64" | "hex"): string | null {
  const packed = input.replace(/\s/g, "");
  const text = Buffer.from(packed, encoding).toString("utf8");
  return packed !== "" && text === "" ? null : text;
}
