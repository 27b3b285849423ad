import { isKnown } from "./characters.js";
import type {
  Command,
  CommandArgument,
  CommandNode,
  ParsedScript,
  Word,
  WordPart,
} from "./parse.js";
import { decodeEscapes } from "./escapes.js";

/** What is asked of whoever works out words. */
export interface WordValues {
  word(word: Word): string[];
  argumentLists(words: readonly CommandArgument[]): string[][];
  text(parts: readonly WordPart[] | undefined, plain: string): string;
}

/**
 * What a script prints, when that follows from its text alone; null otherwise. Nothing is run: the few
 * commands that are used to spell a word in a roundabout way are worked out here.
 */
export function evaluateScript(script: ParsedScript, resolver: WordValues): string | null {
  const outputs = script.commands.map((statement) => evaluateNode(statement.command, resolver));
  return outputs.every((output) => output !== null) ? outputs.join("") : null;
}

type Node = ParsedScript["commands"][number]["command"];

function evaluateNode(node: Node, resolver: WordValues): string | null {
  if (node.type === "Command") return evaluateCommand(node, "", resolver);
  if (node.type === "Pipeline") return evaluatePipe(node.commands, resolver);
  return null;
}

/** What the last command of a pipe prints. */
export function evaluatePipe(
  commands: readonly CommandNode[],
  resolver: WordValues,
): string | null {
  let text: string | null = "";
  for (const command of commands) {
    if (text === null || command.type !== "Command") return null;
    text = evaluateCommand(command, text, resolver);
  }
  return text;
}

function evaluateCommand(node: Command, stdin: string, resolver: WordValues): string | null {
  const words = node.args.filter((argument): argument is Word => argument.type === "Word");
  if (node.name === undefined || words.length !== node.args.length) return null;
  const [argv = []] = resolver.argumentLists([node.name, ...words]);
  const [name = "", ...args] = argv;
  const input = inputOf(node, stdin, resolver);
  if (input === null || !args.every(isKnown)) return null;
  return apply(name.replace(/^.*\//, ""), args, input);
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
      return printf(args);
    case "cat":
      return args.every((arg) => arg === "-") ? input : null;
    case "rev":
      if (args.length > 0) return null;
      return input
        .split("\n")
        .map((line) => [...line].toReversed().join(""))
        .join("\n");
    case "tr":
      return translate(args, input);
    case "base64":
      if (!args.every((arg) => arg.startsWith("-"))) return null;
      return args.some((arg) => /^(-d|-D|--decode|-di|-id)$/.test(arg))
        ? decode(input, "base64")
        : null;
    case "xxd":
      return args.join("").includes("r") && args.join("").includes("p")
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

function printf(args: readonly string[]): string | null {
  const [format = "", ...values] = args[0] === "--" ? args.slice(1) : args;
  if (args[0] === "-v") return "";
  let next = 0;
  let output = "";
  // The format is used again for as long as there are values.
  do {
    const before = next;
    output += decodeEscapes(format).replace(/%([sbd%])/g, (_, kind: string) => {
      if (kind === "%") return "%";
      const value = values[next++] ?? "";
      return kind === "b" ? decodeEscapes(value) : value;
    });
    if (next === before) break;
  } while (next < values.length && output.length < 10_000);
  return /%[^sbd%]/.test(format) ? null : output;
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
