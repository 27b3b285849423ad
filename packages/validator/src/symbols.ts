import {
  forEachChild,
  type CommandNode,
  type FunctionNode,
  type HereDoc,
  type ParsedScript,
  type SyntaxNode,
  type Word,
} from "./parse.js";
import { commandsOf, descendants, readVariables, substitution } from "./read-sources.js";

/** Where a variable gets a value from. */
export type ValueSource =
  | { readonly kind: "word"; readonly word: Word; readonly append: boolean }
  | { readonly kind: "array"; readonly words: readonly Word[]; readonly append: boolean }
  /** One of several, as in a `for`. */
  | { readonly kind: "one-of"; readonly words: readonly Word[] }
  /** What `printf -v` writes. */
  | { readonly kind: "printf"; readonly words: readonly Word[] }
  /** Another variable that this one is a name for. */
  | { readonly kind: "reference"; readonly word: Word }
  /** Read from text of the script, as words or line by line. */
  | { readonly kind: "text"; readonly text: Word | HereDoc; readonly lines: boolean }
  /** What follows the first `=` of a word. */
  | { readonly kind: "definition"; readonly word: Word }
  /** Read, line by line, from what commands print. */
  | { readonly kind: "piped"; readonly commands: readonly CommandNode[]; readonly lines: boolean }
  /** Put together from one piece after the other, in a loop. */
  | { readonly kind: "joined"; readonly words: readonly Word[] }
  /** Read from somewhere. */
  | { readonly kind: "input" };

/**
 * Names of a script: what variables may hold anywhere in it, and what it defines. Regardless of order:
 * a value that is assigned on any way through the script counts on all of them.
 */
export class Symbols {
  readonly variables = new Map<string, ValueSource[]>();
  readonly functions = new Map<string, FunctionNode>();
  /** All functions of a name, one of which it means wherever it is called. */
  readonly definitions = new Map<string, FunctionNode[]>();
  readonly aliases = new Map<string, Word>();
  #assignments = 0;

  /** Grows with every assignment that is found. */
  get size(): number {
    return this.#assignments;
  }

  /** Adds what a script, or a piece of one that is evaluated, defines. */
  add(script: ParsedScript): void {
    const open: SyntaxNode[] = [script];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      this.#visit(node);
      const children: SyntaxNode[] = [];
      forEachChild(node, (child) => children.push(child));
      // In the order of the script: what is appended comes after what it is appended to.
      for (const child of children.toReversed()) open.push(child);
    }
  }

  #visit(node: SyntaxNode): void {
    switch (node.type) {
      case "Assignment": {
        const append = node.append ?? false;
        if (node.name === "BASH_ALIASES" && node.index !== undefined && node.value.type === "Word")
          this.aliases.set(node.index.value, node.value);
        if (node.value.type === "ArrayValue") {
          this.#assign(node.name, { kind: "array", words: node.value.elements, append });
        } else {
          this.#assign(node.name, {
            kind: "word",
            word: node.value,
            append: append && node.index === undefined,
          });
        }
        break;
      }
      case "For":
      case "Select":
        this.#assign(node.name.value, { kind: "one-of", words: node.wordlist ?? [] });
        this.#visitAccumulation(node.name.value, node.wordlist ?? [], node.body);
        break;
      case "Redirected":
        this.#visitRedirectedReads(node);
        break;
      case "Pipeline":
        for (const [at, command] of node.commands.entries()) {
          const reads = command.type !== "Command" || command.name?.value === "read";
          if (at > 0 && reads) this.#visitReadsFrom(command, node.commands.slice(0, at));
        }
        break;
      case "Function":
        this.functions.set(node.name.value, node);
        this.definitions.set(node.name.value, [
          ...(this.definitions.get(node.name.value) ?? []),
          node,
        ]);
        break;
      case "ParameterExpansion":
        if (node.operation?.type === "Default" && node.operation.operator.endsWith("="))
          this.#assign(node.parameter, {
            kind: "word",
            word: node.operation.operand,
            append: false,
          });
        break;
      case "Command":
        this.#visitCommand(node);
        break;
      default:
        break;
    }
  }

  #visitCommand(node: Extract<SyntaxNode, { type: "Command" }>): void {
    const words = node.args.filter((argument): argument is Word => argument.type === "Word");
    switch (node.name?.value) {
      case "read":
      case "mapfile":
      case "readarray":
        this.#visitRead(words, node);
        break;
      case "printf": {
        const at = words.findIndex((word) => word.value === "-v");
        const name = words[at + 1];
        if (at !== -1 && name !== undefined)
          this.#assign(name.value, { kind: "printf", words: words.slice(at + 2) });
        break;
      }
      case "set": {
        const at = words.findIndex((word) => word.value === "--");
        if (at !== -1)
          this.#assign("@", { kind: "array", words: words.slice(at + 1), append: false });
        break;
      }
      case "export":
      case "readonly":
      case "declare":
      case "typeset":
      case "local":
        // Of a name that is quoted the parser does not know that it defines something.
        for (const word of words) {
          const name = /^([A-Za-z_]\w*)=/.exec(word.value)?.[1];
          if (name !== undefined) this.#assign(name, { kind: "definition", word });
        }
        if (!words.some((word) => /^-\w*n/.test(word.value))) break;
        for (const argument of node.args) {
          if (argument.type === "Assignment" && argument.value.type === "Word")
            this.#assign(argument.name, { kind: "reference", word: argument.value });
        }
        break;
      case "alias":
        for (const argument of node.args) {
          if (argument.type === "Assignment" && argument.value.type === "Word") {
            this.aliases.set(argument.name, argument.value);
          } else if (argument.type === "Word") {
            this.#addAliasWord(argument);
          }
        }
        break;
      default:
        break;
    }
  }

  /** `for c in u r l; do s=$s$c; done`. */
  #visitAccumulation(name: string, words: readonly Word[], body: SyntaxNode): void {
    for (const node of descendants(body)) {
      if (node.type !== "Assignment" || node.value.type !== "Word" || node.name === name) continue;
      const text = node.value.text.replace(/[{}"]/g, "");
      if (text === `$${node.name}$${name}` || (node.append === true && text === `$${name}`))
        this.#assign(node.name, { kind: "joined", words });
    }
  }

  /** `while read line; do ...; done <<< text`. */
  #visitRedirectedReads(node: Extract<SyntaxNode, { type: "Redirected" }>): void {
    for (const redirect of node.redirects) {
      if (redirect.type === "Redirect") {
        const script = redirect.operator === "<" ? substitution(redirect.target) : undefined;
        if (script !== undefined) this.#visitReadsFrom(node.command, commandsOf(script));
        continue;
      }
      const text = redirect.type === "HereString" ? redirect.target : redirect;
      if (text === undefined) continue;
      for (const name of readVariables(node.command))
        this.#assign(name, { kind: "text", text, lines: true });
    }
  }

  #visitReadsFrom(node: SyntaxNode, commands: readonly CommandNode[]): void {
    for (const name of readVariables(node))
      this.#assign(name, { kind: "piped", commands, lines: true });
  }

  #visitRead(words: readonly Word[], node: Extract<SyntaxNode, { type: "Command" }>): void {
    const source = node.redirects.find(
      (redirect) => redirect.type !== "Redirect" || substitution(redirect.target) !== undefined,
    );
    const script = source?.type === "Redirect" ? substitution(source.target) : undefined;
    const text =
      source?.type === "HereDoc"
        ? source
        : source?.type === "HereString"
          ? source.target
          : undefined;
    const lines = node.name?.value !== "read";
    for (const word of words) {
      if (!/^[A-Za-z_]\w*$/.test(word.value)) continue;
      if (text !== undefined) this.#assign(word.value, { kind: "text", text, lines });
      else if (script !== undefined)
        this.#assign(word.value, { kind: "piped", commands: commandsOf(script), lines });
      else this.#assign(word.value, { kind: "input" });
    }
  }

  /** `alias n='text'` is one word for the parser. */
  #addAliasWord(word: Word): void {
    const at = word.value.indexOf("=");
    if (at > 0) this.aliases.set(word.value.slice(0, at), word);
  }

  #assign(name: string, source: ValueSource): void {
    this.#assignments += 1;
    const sources = this.variables.get(name);
    if (sources === undefined) this.variables.set(name, [source]);
    else sources.push(source);
  }
}
