import { isKnown } from "./characters.js";
import type {
  Command,
  CommandArgument,
  CommandNode,
  ParsedScript,
  Statement,
  SyntaxNode,
  Word,
  WordPart,
} from "./parse.js";
import { applyCommand } from "./pure-commands.js";
import { checkLength } from "./values.js";

/** What is asked of whoever works out words. */
export interface WordValues {
  word(word: Word): string[];
  argumentLists(words: readonly CommandArgument[]): string[][];
  text(parts: readonly WordPart[] | undefined, plain: string): string;
  functionBody(name: string): SyntaxNode | undefined;
  /** Accounts for texts that are searched or copied. */
  spendOn(values: readonly string[]): void;
}

/**
 * What a script prints, when that follows from its text alone; null otherwise. Nothing is run: the few
 * commands that are used to spell a word in a roundabout way are worked out here.
 */
export function evaluateScript(script: ParsedScript, resolver: WordValues): string | null {
  return evaluateAll(script.commands, resolver, "", 0);
}

/** What several commands print, one after the other. */
function evaluateAll(
  statements: readonly Statement[],
  resolver: WordValues,
  stdin: string,
  depth: number,
): string | null {
  let text = "";
  for (const { command } of statements) {
    const output = evaluateNode(command, resolver, stdin, depth);
    if (output === null) return null;
    checkLength(text.length + output.length);
    text += output;
  }
  return text;
}

/** How deep functions and groups are followed; what is deeper is not known. */
const MAX_DEPTH = 8;

function evaluateNode(
  node: SyntaxNode,
  resolver: WordValues,
  stdin = "",
  depth = 0,
): string | null {
  if (depth > MAX_DEPTH) return null;
  resolver.spendOn([stdin]);
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
    case "CompoundList":
      return evaluateAll(node.commands, resolver, stdin, depth + 1);
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
  const input = inputOf(node, stdin, resolver);
  // Some name, and the same one wherever it is used.
  if (name === "mktemp") return "/tmp/tmp.mktemp\n";
  if (input === null || !args.every(isKnown)) return null;
  resolver.spendOn(args);
  return applyCommand(name.slice(name.lastIndexOf("/") + 1), args, input);
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
