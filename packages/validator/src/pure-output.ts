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
import { awkPrint, printedLiteral } from "./pure/literals.js";
import { echo, formatted } from "./pure/printf.js";
import { sedOutput } from "./pure/sed.js";
import { cut, decode, grep, head, tail, translate } from "./pure/text-tools.js";

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
