import type { Budget } from "./budget.js";
import { BREAK, HOME, INDIRECT, OUTPUT, UNKNOWN, UNSET, isKnown } from "./characters.js";
import type { CommandArgument, ParsedScript, Word, WordPart } from "./parse.js";
import { decodeEscapes } from "./escapes.js";
import { globPattern } from "./glob.js";
import { evaluateScript } from "./pure-output.js";
import type { Symbols, ValueSource } from "./symbols.js";

/** How many values of one word are followed up; what is beyond them is taken for unknown. */
const MAX_VALUES = 6;
const MAX_DEPTH = 12;
const MAX_LENGTH = 20_000;

/** Variables that a job always has; their values are not the script's. */
const FROM_OUTSIDE =
  /^(PATH|PWD|OLDPWD|USER|LOGNAME|SHELL|HOSTNAME|LANG|LC_\w+|UID|EUID|PPID|RANDOM|SECONDS|LINENO|BASH\w*|JOBCTL_\w+|SLURM_\w+|PBS_\w+|LSB_\w+|SGE_\w+|OMP_\w+|CUDA_\w+)$/;

/** Works out what words may be when the script runs. */
export class Resolver {
  readonly #symbols: Symbols;
  readonly #budget: Budget;
  readonly #busy = new Set<string>();
  readonly #cache = new Map<string, string[]>();
  #cachedFor = 0;
  #metItself = false;
  #depth = 0;

  constructor(symbols: Symbols, budget: Budget) {
    this.#symbols = symbols;
    this.#budget = budget;
  }

  /** The values that a word may have, each with marks where it is split into several. */
  word(word: Word): string[] {
    this.#budget.spend();
    if (this.#depth >= MAX_DEPTH) return [UNKNOWN];
    this.#depth += 1;
    try {
      const parts = word.parts;
      const values = parts === undefined ? [word.value] : this.#parts(parts, false);
      return values.map(expandTilde);
    } finally {
      this.#depth -= 1;
    }
  }

  /** The argument lists that a command may have, in as many variants as one of its words has values. */
  argumentLists(words: readonly CommandArgument[]): string[][] {
    const values = words.map((word) => this.#argument(word));
    const variants = Math.min(
      MAX_VALUES,
      Math.max(1, ...values.map((alternatives) => alternatives.length)),
    );
    return Array.from({ length: variants }, (_, variant) =>
      values.flatMap((alternatives) => {
        const value = alternatives[variant % alternatives.length] ?? "";
        const fields = value.split(BREAK);
        // An expansion that is empty leaves no word behind; an empty word in quotes does.
        return fields.length === 1 ? fields : fields.filter((field) => field !== "");
      }),
    );
  }

  #argument(argument: CommandArgument): string[] {
    if (argument.type === "Word") return this.word(argument);
    if (argument.value.type !== "Word") return [`${argument.name}=${UNKNOWN}`];
    return this.word(argument.value).map(
      (value) => `${argument.name}=${value.replaceAll(BREAK, " ")}`,
    );
  }

  /** The text of a here-document, as far as it is known. */
  text(parts: readonly WordPart[] | undefined, plain: string): string {
    return parts === undefined ? plain : (this.#parts(parts, true)[0] ?? "").replaceAll(BREAK, " ");
  }

  variable(name: string): string[] {
    if (name === "HOME") return [HOME];
    if (name === "TMPDIR") return [`/tmp/${UNKNOWN}`];
    if (name === "IFS") return [BREAK];
    if (/^[@*]$|^\d+$/.test(name)) return [UNKNOWN];
    if (/^[?$!#-]$/.test(name) || FROM_OUTSIDE.test(name)) return [UNKNOWN];
    const sources = this.#symbols.variables.get(name);
    if (sources === undefined) return [UNSET, UNKNOWN];
    return this.#assigned(name, sources);
  }

  /** The values that a variable is given anywhere, worked out once for as long as no more is defined. */
  #assigned(name: string, sources: readonly ValueSource[]): string[] {
    if (this.#cachedFor !== this.#symbols.size) {
      this.#cache.clear();
      this.#cachedFor = this.#symbols.size;
    }
    const known = this.#cache.get(name);
    if (known !== undefined) return known;
    if (this.#busy.has(name)) {
      this.#metItself = true;
      return [UNKNOWN];
    }
    this.#busy.add(name);
    try {
      const values = this.#fromSources(sources);
      // Within a circle of variables the others' values are not complete yet.
      if (!this.#metItself) this.#cache.set(name, values);
      return values;
    } finally {
      this.#busy.delete(name);
      if (this.#busy.size === 0) this.#metItself = false;
    }
  }

  #fromSources(sources: readonly ValueSource[]): string[] {
    let values: string[] = [];
    for (const source of sources) {
      switch (source.kind) {
        case "unknown":
          values = union(values, [UNKNOWN]);
          break;
        case "one-of":
          values = union(
            values,
            source.words.flatMap((word) => this.word(word).flatMap((value) => value.split(BREAK))),
          );
          break;
        case "array": {
          const joined = source.words.map((word) => this.word(word)[0] ?? "").join(BREAK);
          values = source.append ? combine(values, [BREAK + joined]) : union(values, [joined]);
          break;
        }
        case "word": {
          const own = this.word(source.word);
          values = source.append
            ? union(values, combine(values.length === 0 ? [""] : values, own))
            : union(values, own);
          break;
        }
      }
    }
    // The longest first: of a value that is put together in steps, that is the whole.
    return values.length === 0 ? [UNKNOWN] : values;
  }

  #parts(parts: readonly WordPart[], quoted: boolean): string[] {
    let values = [""];
    for (const part of parts) {
      this.#budget.spend();
      values =
        part.type === "BraceExpansion" && !quoted
          ? combineBraces(values, part.text)
          : combine(values, this.#part(part, quoted));
    }
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
      case "SimpleExpansion":
        return split(this.variable(part.text.replace(/^\$/, "")), quoted);
      case "ParameterExpansion":
        return split(this.#parameter(part), quoted);
      case "CommandExpansion":
        return split(this.#output(part.script), quoted);
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

  #parameter(part: Extract<WordPart, { type: "ParameterExpansion" }>): string[] {
    if (part.prefix === "#") return [UNKNOWN];
    if (part.prefix === "!") return this.#indirect(part.parameter);
    const values = this.#element(part);
    const operation = part.operation;
    if (operation === undefined) return values;
    switch (operation.type) {
      case "Default":
        return this.#withDefault(operation.operator, values, operation.operand);
      case "Remove":
        return this.#edit(values, operation.operand, (value, pattern) =>
          remove(value, pattern, operation.operator),
        );
      case "Replace": {
        const by = this.word(operation.replacement)[0] ?? "";
        return this.#edit(values, operation.pattern, (value, pattern) =>
          replace(value, pattern, by, operation.operator),
        );
      }
      case "Slice": {
        const offset = Number(operation.offset.value);
        const length = operation.length === undefined ? Infinity : Number(operation.length.value);
        if (Number.isNaN(offset) || Number.isNaN(length)) return [UNKNOWN];
        return values.map((value) => {
          const rest = value.slice(offset < 0 ? Math.max(0, value.length + offset) : offset);
          return isKnown(value)
            ? rest.slice(0, length < 0 ? rest.length + length : length)
            : UNKNOWN;
        });
      }
      case "CaseModification":
        return values.map((value) => changeCase(value, operation.operator));
      case "Transform":
        return operation.operand.value === "E" ? values.map(decodeEscapes) : values;
      case "Names":
      case "Unknown":
        return [UNKNOWN];
    }
  }

  /** An element of an array where the index says so, the whole value elsewhere. */
  #element(part: Extract<WordPart, { type: "ParameterExpansion" }>): string[] {
    const values = this.variable(part.parameter);
    const index = part.index?.value;
    if (index === undefined || index === "@" || index === "*") return values;
    if (!/^\d+$/.test(index))
      return values.flatMap((value) => value.split(BREAK)).slice(0, MAX_VALUES);
    return values.map((value) =>
      value.includes(BREAK) ? (value.split(BREAK)[Number(index)] ?? "") : value,
    );
  }

  #indirect(name: string): string[] {
    const names = this.variable(name);
    if (!names.every((value) => /^[A-Za-z_]\w*$/.test(value))) return [INDIRECT];
    return names.flatMap((value) => this.variable(value)).slice(0, MAX_VALUES);
  }

  #withDefault(operator: string, values: string[], operand: Word): string[] {
    const other = this.word(operand);
    if (operator.includes("+")) return union([UNSET], other);
    if (operator.includes("?")) return values.filter((value) => value !== UNSET);
    const isUnset = values.includes(UNSET) || values.includes("");
    return isUnset
      ? union(
          other,
          values.filter((value) => value !== UNSET && value !== ""),
        )
      : values;
  }

  #edit(
    values: string[],
    operand: Word,
    edit: (value: string, pattern: RegExp) => string,
  ): string[] {
    const pattern = globPattern(this.word(operand)[0] ?? "");
    if (pattern === null) return [UNKNOWN];
    return values.map((value) => {
      if (isKnown(value)) return edit(value, new RegExp(pattern, "s"));
      return value;
    });
  }

  #output(script: ParsedScript | undefined): string[] {
    if (script === undefined) return [OUTPUT];
    const output = evaluateScript(script, this);
    return output === null ? [OUTPUT] : [output.replace(/\n+$/, "")];
  }
}

function expandTilde(value: string): string {
  return /^~(?=\/|$)/.test(value) ? HOME + value.slice(1) : value;
}

function split(values: readonly string[], quoted: boolean): string[] {
  return quoted
    ? values.map((value) => value.replaceAll(BREAK, " "))
    : values.map((value) => value.replace(/[ \t\n]+/g, BREAK));
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])].slice(0, MAX_VALUES);
}

function combine(heads: readonly string[], tails: readonly string[]): string[] {
  const all = heads.flatMap((head) => tails.map((tail) => (head + tail).slice(0, MAX_LENGTH)));
  return [...new Set(all)].slice(0, MAX_VALUES);
}

/** `a{b,c}d` is two words; what comes behind it goes to each of them when it is a literal. */
function combineBraces(heads: readonly string[], text: string): string[] {
  const inner = text.slice(1, -1);
  if (/[{}$`]/.test(inner) || !inner.includes(",")) return combine(heads, [text]);
  return heads.map((head) => {
    const fields = head.split(BREAK);
    const last = fields.pop() ?? "";
    return [...fields, ...inner.split(",").map((item) => last + item)].join(BREAK);
  });
}

function remove(value: string, pattern: RegExp, operator: string): string {
  const { source } = pattern;
  const lazy = source.replaceAll("[^]*", "[^]*?");
  switch (operator) {
    case "#":
      return value.replace(new RegExp(`^(?:${lazy})`), "");
    case "##":
      return value.replace(new RegExp(`^(?:${source})`), "");
    case "%":
      return removeSuffix(value, new RegExp(`^(?:${source})$`), "shortest");
    default:
      return removeSuffix(value, new RegExp(`^(?:${source})$`), "longest");
  }
}

function removeSuffix(value: string, pattern: RegExp, which: "shortest" | "longest"): string {
  if (value.length > 1000) return value;
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => length);
  const found = (which === "shortest" ? lengths : lengths.toReversed()).find((length) =>
    pattern.test(value.slice(value.length - length)),
  );
  return found === undefined ? value : value.slice(0, value.length - found);
}

function replace(value: string, pattern: RegExp, by: string, operator: string): string {
  const { source } = pattern;
  if (source === "" || value.length > 1000) return value;
  const anchored =
    operator === "/#" ? `^(?:${source})` : operator === "/%" ? `(?:${source})$` : source;
  return value.replace(new RegExp(anchored, operator === "//" ? "g" : ""), () => by);
}

function changeCase(value: string, operator: string): string {
  switch (operator) {
    case "^^":
      return value.toUpperCase();
    case ",,":
      return value.toLowerCase();
    case "^":
      return value.slice(0, 1).toUpperCase() + value.slice(1);
    default:
      return value.slice(0, 1).toLowerCase() + value.slice(1);
  }
}
