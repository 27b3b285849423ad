import { BudgetExceeded, type Budget } from "./budget.js";
import { BREAK, INPUT, OUTPUT, UNKNOWN } from "./characters.js";
import { Expansions } from "./expansions.js";
import { GlobPattern } from "./glob-match.js";
import { LIMITS } from "./limits.js";
import {
  forEachChild,
  type CommandArgument,
  type HereDoc,
  type ParsedScript,
  type SyntaxNode,
  type Word,
  type WordPart,
} from "./parse.js";
import { evaluateScript, type WordValues } from "./pure-output.js";
import type { Symbols } from "./symbols.js";
import { isReadFromFile } from "./tree.js";
import { braceWords, combine, expandTilde, spreadBraces } from "./values.js";
import { Variables } from "./variables.js";
import { variantsOf } from "./variants.js";

/** Works out what words may be when the script runs. */
export class Resolver implements WordValues {
  readonly #symbols: Symbols;
  readonly #budget: Budget;
  readonly #variables: Variables;
  readonly #expansions: Expansions;
  /** What command substitutions print, for as long as no more is defined. */
  #outputs = new WeakMap<ParsedScript, string[]>();
  #outputsFor = "";
  #depth = 0;

  constructor(symbols: Symbols, budget: Budget) {
    this.#symbols = symbols;
    this.#budget = budget;
    this.#variables = new Variables(symbols, this);
    this.#expansions = new Expansions(this.#variables, this);
  }

  /** Works words out as in a function that is called with these arguments. */
  withArguments(values: readonly string[], look: () => void): void {
    this.#variables.withArguments(values, look);
  }

  /** Accounts for texts that are searched or copied. */
  spendOn(values: readonly string[]): void {
    for (const value of values) this.#budget.spendOn(value);
  }

  /** A pattern to edit values with; null when it is not known. */
  pattern(text: string): GlobPattern | null {
    return GlobPattern.parse(text, this.#budget);
  }

  /**
   * The values that a word may have, each with marks where it is split into several.
   *
   * @throws BudgetExceeded
   */
  word(word: Word): string[] {
    this.#budget.spend();
    if (word.parts === undefined) return [expandTilde(word.value)];
    if (this.#depth >= LIMITS.depth)
      throw new BudgetExceeded(
        `variables and substitutions in it are nested more than ${LIMITS.depth} deep`,
      );
    this.#depth += 1;
    try {
      return this.#parts(word.parts, false).map(expandTilde);
    } finally {
      this.#depth -= 1;
    }
  }

  /**
   * The argument lists that a command may have: one for every value of its words, as far as these can be tried.
   *
   * @throws BudgetExceeded
   */
  argumentLists(words: readonly CommandArgument[]): string[][] {
    const values = words.map((word) => this.#argument(word));
    const lists = variantsOf(values);
    if (lists.some((list) => list.length > LIMITS.words))
      throw new BudgetExceeded(`a command in it has more than ${LIMITS.words} words`);
    for (const list of lists) this.#budget.spend(1 + (list.length >> 2));
    return lists;
  }

  #argument(argument: CommandArgument): string[] {
    if (argument.type === "Word") return this.word(argument);
    if (argument.value.type !== "Word") return [`${argument.name}=${UNKNOWN}`];
    return this.word(argument.value).map(
      (value) => `${argument.name}=${value.replaceAll(BREAK, " ")}`,
    );
  }

  /** What a command reads from a here-document. */
  document({ delimiter, body }: HereDoc): string {
    return delimiter?.quoted === true ? body.text : this.text(body.parts, body.text);
  }

  /** The text of a here-document, as far as it is known. */
  text(parts: readonly WordPart[] | undefined, plain: string): string {
    this.#budget.spendOn(plain);
    return parts === undefined ? plain : (this.#parts(parts, true)[0] ?? "").replaceAll(BREAK, " ");
  }

  /** The words that the variables of a word are given, as far as the script says. */
  sourcesOf(node: SyntaxNode): SyntaxNode[] {
    const names: string[] = [];
    const visit = (part: SyntaxNode): void => {
      this.#budget.spend();
      if (part.type === "SimpleExpansion") names.push(part.text.slice(1));
      if (part.type === "ParameterExpansion") names.push(part.parameter);
      forEachChild(part, visit);
    };
    visit(node);
    return [...new Set(names)]
      .flatMap((name) => this.#symbols.variables.get(name) ?? [])
      .flatMap((source) => (source.kind === "word" ? [source.word] : []));
  }

  functionBody(name: string): SyntaxNode | undefined {
    return this.#symbols.functions.get(name)?.body;
  }

  /** As many of the values as can be tried. */
  limited(values: readonly string[]): string[] {
    return values.slice(0, LIMITS.values);
  }

  /** Every beginning with every end, as far as these can be tried. */
  combined(heads: readonly string[], tails: readonly string[]): string[] {
    this.#budget.spend(1 + ((heads.length + tails.length) >> 2));
    return combine(heads, tails);
  }

  #parts(parts: readonly WordPart[], quoted: boolean): string[] {
    let values = [""];
    for (const part of parts) {
      const words = part.type === "BraceExpansion" && !quoted ? braceWords(part.text) : null;
      if (words === null) values = this.combined(values, this.#part(part, quoted));
      else {
        this.spendOn(values);
        values = values.map((head) => spreadBraces(head, words));
      }
    }
    this.spendOn(values);
    return values;
  }

  #part(part: WordPart, quoted: boolean): string[] {
    switch (part.type) {
      case "Literal":
      case "SingleQuoted":
      case "AnsiCQuoted":
        return [part.value];
      case "DoubleQuoted":
      case "LocaleString":
        return this.#parts(part.parts, true);
      case "SimpleExpansion": {
        const { text } = part;
        const values = this.#variables.of(text.slice(1));
        return this.#expansions.split(values, quoted && text !== "$@", text === "$*");
      }
      case "ParameterExpansion": {
        const several = part.parameter === "@" || part.index?.value === "@";
        const joined = part.parameter === "*" || part.index?.value === "*";
        return this.#expansions.split(this.#expansions.parameter(part), quoted && !several, joined);
      }
      case "CommandExpansion":
        return this.#expansions.split(this.#output(part.script), quoted);
      case "ArithmeticExpansion":
        return [UNKNOWN];
      case "ProcessSubstitution":
        return ["/dev/fd/63"];
      case "Glob":
      case "ExtendedGlob":
      case "BraceExpansion":
        return [part.text];
    }
  }

  #output(script: ParsedScript | undefined): string[] {
    if (script === undefined) return [OUTPUT];
    const { state } = this.#variables;
    if (this.#outputsFor !== state) {
      this.#outputs = new WeakMap();
      this.#outputsFor = state;
    }
    const known = this.#outputs.get(script);
    if (known !== undefined) return known;
    const output = evaluateScript(script, this);
    const values =
      output === null
        ? [isReadFromFile(script) ? INPUT : OUTPUT]
        : [output.slice(0, lengthWithoutLineEnds(output))];
    if (!this.#variables.isIncomplete) this.#outputs.set(script, values);
    return values;
  }
}

function lengthWithoutLineEnds(text: string): number {
  let { length } = text;
  while (text[length - 1] === "\n") length -= 1;
  return length;
}
