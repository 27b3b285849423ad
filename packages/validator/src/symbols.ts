import { forEachChild, type ParsedScript, type SyntaxNode, type Word } from "./parse.js";

/** Where a variable gets a value from. */
export type ValueSource =
  | { readonly kind: "word"; readonly word: Word; readonly append: boolean }
  | { readonly kind: "array"; readonly words: readonly Word[]; readonly append: boolean }
  /** One of several, as in a `for`. */
  | { readonly kind: "one-of"; readonly words: readonly Word[] }
  /** Read from somewhere. */
  | { readonly kind: "unknown" };

/**
 * Names of a script: what variables may hold anywhere in it, and what it defines. Regardless of order:
 * a value that is assigned on any way through the script counts on all of them.
 */
export class Symbols {
  readonly variables = new Map<string, ValueSource[]>();
  readonly functions = new Set<string>();
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
      forEachChild(node, (child) => open.push(child));
    }
  }

  #visit(node: SyntaxNode): void {
    switch (node.type) {
      case "Assignment": {
        const append = node.append ?? false;
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
        break;
      case "Function":
        this.functions.add(node.name.value);
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
        const format = words[at + 2];
        if (at !== -1 && name !== undefined && format !== undefined) {
          const text = format.value === "%s" ? (words[at + 3] ?? format) : format;
          this.#assign(name.value, { kind: "word", word: text, append: false });
        }
        break;
      }
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

  #visitRead(words: readonly Word[], node: Extract<SyntaxNode, { type: "Command" }>): void {
    const source = node.redirects.find((redirect) => redirect.type === "HereString");
    const text = source?.type === "HereString" ? source.target : undefined;
    for (const word of words) {
      if (!/^[A-Za-z_]\w*$/.test(word.value)) continue;
      this.#assign(
        word.value,
        text === undefined ? { kind: "unknown" } : { kind: "word", word: text, append: false },
      );
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
