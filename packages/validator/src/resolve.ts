import { BudgetExceeded, type Budget } from "./budget.js";
import { conspicuousFirst } from "./conspicuous.js";
import {
  ABSENT,
  BREAK,
  HOME,
  INDIRECT,
  INPUT,
  OUTPUT,
  SELF,
  UNKNOWN,
  UNSET,
  isKnown,
} from "./characters.js";
import {
  forEachChild,
  type CommandArgument,
  type CommandNode,
  type HereDoc,
  type ParsedScript,
  type SyntaxNode,
  type Word,
  type WordPart,
} from "./parse.js";
import { decodeEscapes } from "./escapes.js";
import { deleteTarget } from "./paths.js";
import { GlobPattern } from "./glob-match.js";
import { evaluatePipe, evaluateScript } from "./pure-output.js";
import { formatted } from "./pure/printf.js";
import type { Symbols, ValueSource } from "./symbols.js";

/** How many values of one word are followed up. */
const MAX_VALUES = 6;
/** How many values of an argument are looked through for those that are conspicuous. */
const MAX_ARGUMENT_VALUES = 2000;
/** How many values of a command's name are followed up. */
const MAX_NAMES = 256;
/** Words within words: expansions, and variables that are made of others. */
const MAX_DEPTH = 60;
/** Characters of a value. */
const MAX_LENGTH = 200_000;

/** Variables that a job, or a site, always has; their values are not the script's. */
const FROM_OUTSIDE =
  /^(PATH|OLDPWD|USER|LOGNAME|SHELL|HOSTNAME|LANG|LC_\w+|UID|EUID|PPID|RANDOM|SECONDS|LINENO|BASH\w*|JOBCTL_\w+|SLURM_\w+|PBS_\w+|LSB_\w+|SGE_\w+|OMP_\w+|CUDA_\w+|WORK|WORKDIR|TMP|TEMP|JOB_?ID|TASK_?ID|PROJECT\w*|GITHUB_\w+|CI_\w+)$/;
function isFromOutside(name: string): boolean {
  return FROM_OUTSIDE.test(name) || name.includes("SCRATCH");
}

/** Variables whose value begins with a slash. */
const PATHS_FROM_OUTSIDE = new Set(["HOME", "PATH", "PWD", "OLDPWD", "SHELL", "TMPDIR"]);
/** Commands that print what a file holds. */
const READERS = new Set([
  "ls",
  "find",
  "sed",
  "head",
  "tail",
  "awk",
  "gawk",
  "cat",
  "grep",
  "cut",
  "jq",
  "yq",
]);
const NOT_READERS = new Set(["base64", "base32", "xxd", "openssl", "curl", "wget", "rev", "tr"]);

/** What a function is called with, and whether it takes some of that away with `shift`. */
export interface Arguments {
  readonly args: readonly string[];
  readonly shifts: boolean;
}

/** Works out what words may be when the script runs. */
export class Resolver {
  readonly #symbols: Symbols;
  readonly #budget: Budget;
  readonly #busy = new Set<string>();
  /** The values of variables, by how many of them are kept. */
  readonly #caches = new Map<number, Map<string, string[]>>();
  #cachedFor = 0;
  #metItself = false;
  #depth = 0;
  #arguments: Arguments | null = null;
  /** How many values are kept. */
  #most = MAX_VALUES;

  constructor(symbols: Symbols, budget: Budget) {
    this.#symbols = symbols;
    this.#budget = budget;
  }

  get currentArguments(): readonly string[] | undefined {
    return this.#arguments?.args;
  }

  /** Works words out as in a function that is called with these arguments. */
  withArguments(given: Arguments, look: () => void): void {
    const before = this.#arguments;
    this.#arguments = given;
    this.#caches.clear();
    try {
      look();
    } finally {
      this.#arguments = before;
      this.#caches.clear();
    }
  }

  /** The values that a word may have, each with marks where it is split into several. */
  word(word: Word): string[] {
    const { parts } = word;
    if (parts === undefined) return [expandTilde(word.value)];
    return this.#nested(() => this.#parts(parts, false));
  }

  #nested(work: () => string[]): string[] {
    this.#budget.spend();
    if (this.#depth >= MAX_DEPTH)
      throw new BudgetExceeded(`more than ${MAX_DEPTH} expansions within each other`);
    this.#depth += 1;
    try {
      return work().map(expandTilde);
    } finally {
      this.#depth -= 1;
    }
  }

  /** The values of a word that is assigned: nothing in it is split, and braces mean nothing. */
  assigned(word: Word): string[] {
    return word.parts === undefined
      ? this.word(word)
      : this.#nested(() => this.#parts(word.parts ?? [], true));
  }

  /** The argument lists that a command may have, in as many variants as one of its words has values. */
  argumentLists(words: readonly CommandArgument[]): string[][] {
    const values = words.map((word, at) => this.#alternatives(word, at === 0));
    if (
      values.every((alternatives) => alternatives.length === 1 && !alternatives[0]?.includes(BREAK))
    )
      return [values.map(([value = ""]) => value)];
    const variants = Math.max(1, ...values.map((alternatives) => alternatives.length));
    return Array.from({ length: variants }, (_, variant) =>
      values.flatMap((alternatives) => {
        const value = alternatives[variant % alternatives.length] ?? "";
        const fields = value.split(BREAK);
        // An expansion that is empty leaves no word behind; an empty word in quotes does.
        return fields.length === 1 ? fields : fields.filter((field) => field !== "");
      }),
    );
  }

  /** The values of a name or argument; where there are many, more of them than elsewhere. */
  #alternatives(argument: CommandArgument, isName: boolean): string[] {
    const few = this.#argument(argument);
    if (few.length < MAX_VALUES) return few;
    const before = this.#most;
    this.#most = isName ? MAX_NAMES : MAX_ARGUMENT_VALUES;
    try {
      const many = this.#argument(argument);
      return isName ? many : conspicuousFirst(many, MAX_VALUES);
    } finally {
      this.#most = before;
    }
  }

  #argument(argument: CommandArgument): string[] {
    if (argument.type === "Word") return this.word(argument);
    if (argument.value.type !== "Word") return [`${argument.name}=${UNKNOWN}`];
    return this.assigned(argument.value).map((value) => `${argument.name}=${value}`);
  }

  /** What a command reads from a here-document. */
  document({ delimiter, body }: HereDoc): string {
    return delimiter?.quoted === true ? body.text : this.text(body.parts, body.text);
  }

  /** The text of a here-document, as far as it is known. */
  text(parts: readonly WordPart[] | undefined, plain: string): string {
    return parts === undefined ? plain : (this.#parts(parts, true)[0] ?? "").replaceAll(BREAK, " ");
  }

  variable(name: string): string[] {
    if (name === "HOME") return [HOME];
    if (name === "TMPDIR") return [`/tmp/${UNKNOWN}`];
    if (name === "IFS") return [BREAK];
    if (name === "PWD") return ["."];
    if (name === "0") return [SELF];
    // Its own process, as the kernel names it.
    if (name === "$" || name === "BASHPID") return ["self"];
    if (name === "BASH" || name === "SHELL") return ["/bin/bash"];
    if (/^[@*]$|^\d+$/.test(name)) return this.#positional(name);
    if (/^[?$!#-]$/.test(name) || isFromOutside(name)) return [UNKNOWN];
    const sources = this.#symbols.variables.get(name);
    if (sources === undefined) return [UNSET, UNKNOWN];
    return this.#assigned(name, sources);
  }

  #positional(name: string): string[] {
    const values = this.#arguments?.args ?? this.#setArguments();
    if (values === null) return [ABSENT, UNKNOWN];
    if (this.#arguments?.shifts === true && values.length > 0) return shifted(name, values);
    if (name === "@" || name === "*") {
      // With what `shift` may have taken away.
      return [values.join(BREAK), values.slice(1).join(BREAK)];
    }
    return [values[Number(name) - 1] ?? ABSENT];
  }

  /** What `set --` makes of the script's arguments. */
  #setArguments(): readonly string[] | null {
    const sources = this.#symbols.variables.get("@");
    if (sources === undefined) return null;
    return (this.#assigned("@", sources)[0] ?? "").split(BREAK);
  }

  /** The values that a variable is given anywhere, worked out once for as long as no more is defined. */
  #assigned(name: string, sources: readonly ValueSource[]): string[] {
    if (this.#cachedFor !== this.#symbols.size) {
      this.#caches.clear();
      this.#cachedFor = this.#symbols.size;
    }
    const cache = this.#caches.get(this.#most) ?? new Map<string, string[]>();
    this.#caches.set(this.#most, cache);
    const known = cache.get(name);
    if (known !== undefined) return known;
    if (this.#busy.has(name)) {
      this.#metItself = true;
      return [UNKNOWN];
    }
    this.#busy.add(name);
    try {
      const values = this.#fromSources(sources);
      // Within a circle of variables the others' values are not complete yet.
      if (!this.#metItself) cache.set(name, values);
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
        case "arguments":
          values = this.#union(
            values,
            this.variable("@").flatMap((value) => value.split(BREAK)),
          );
          break;
        case "input":
          values = this.#union(values, [INPUT]);
          break;
        case "printf":
          values = this.#union(values, [
            formatted(this.argumentLists(source.words)[0] ?? []) ?? UNKNOWN,
          ]);
          break;
        case "reference":
          values = this.#union(
            values,
            this.word(source.word).flatMap((name) => this.variable(name)),
          );
          break;
        case "text": {
          const { text } = source;
          const value =
            text.type === "Word" ? (this.word(text)[0] ?? "") : this.document(text).trimEnd();
          values = this.#union(
            values,
            source.lines === "words"
              ? [value.replace(/\s+/g, BREAK)]
              : source.lines
                ? asLines(value)
                : [value],
          );
          break;
        }
        case "piped": {
          const value = evaluatePipe(source.commands, this);
          values = this.#union(
            values,
            value === null ? [this.#listed(source.commands)] : asLines(value),
          );
          break;
        }
        case "definition":
          values = this.#union(
            values,
            this.word(source.word).map((value) => value.slice(value.indexOf("=") + 1)),
          );
          break;
        case "joined":
          values = this.#union(
            [source.words.map((word) => this.word(word)[0] ?? "").join("")],
            values,
          );
          break;
        case "one-of":
          values = this.#union(
            values,
            source.words.flatMap((word) => this.word(word).flatMap((value) => value.split(BREAK))),
          );
          break;
        case "array": {
          const joined = source.words
            .map((word) => (this.word(word)[0] ?? "").replace(/^\[[^\]]*\]=/, ""))
            .join(BREAK);
          values = source.append
            ? this.#combine(values, [BREAK + joined])
            : this.#union(values, [joined]);
          break;
        }
        case "word": {
          const own = this.assigned(source.word);
          values = source.append
            ? longestAndShortest(this.#combine(values.length === 0 ? [""] : values, own), values)
            : this.#union(values, own);
          break;
        }
      }
    }
    // The longest first: of a value that is put together in steps, that is the whole.
    return values.length === 0 ? [UNKNOWN] : values;
  }

  /** What `ls /etc` or `find /etc` prints, as far as a rule needs to know. */
  #listed(commands: readonly CommandNode[]): string {
    const [first] = commands;
    if (first?.type !== "Command" || first.name === undefined) return INPUT;
    const [name = "", ...args] = this.argumentLists([first.name, ...first.args])[0] ?? [];
    const path = args.find((arg) => !arg.startsWith("-")) ?? "";
    return /^(ls|find)$/.test(name) && deleteTarget(path) !== null ? path : INPUT;
  }

  /** The words that the variables of a word are given, as far as the script says. */
  sourcesOf(node: SyntaxNode): SyntaxNode[] {
    const names: string[] = [];
    const visit = (part: SyntaxNode): void => {
      if (part.type === "SimpleExpansion") names.push(part.text.slice(1));
      if (part.type === "ParameterExpansion") names.push(part.parameter);
      forEachChild(part, visit);
    };
    visit(node);
    return names.flatMap((name) => this.#symbols.variables.get(name) ?? []).flatMap(nodesOf);
  }

  functionBody(name: string): SyntaxNode | undefined {
    return this.#symbols.functions.get(name)?.body;
  }

  #parts(parts: readonly WordPart[], quoted: boolean): string[] {
    let values = [""];
    for (const part of parts) {
      this.#budget.spend();
      values =
        part.type === "BraceExpansion" && !quoted
          ? this.#combineBraces(values, part.text)
          : this.#combine(values, this.#part(part, quoted));
    }
    return values;
  }

  #union(a: readonly string[], b: readonly string[]): string[] {
    return this.#kept([...new Set([...a, ...b])]);
  }

  #kept(values: string[]): string[] {
    if (values.length <= this.#most) return values;
    if (this.#most > MAX_VALUES) {
      const what = this.#most === MAX_NAMES ? "the name" : "an argument";
      throw new BudgetExceeded(`${what} of a command has more than ${this.#most} values`);
    }
    return values.slice(0, this.#most);
  }

  #combine(heads: readonly string[], tails: readonly string[]): string[] {
    const [head, otherHead] = heads;
    const [tail, otherTail] = tails;
    if (
      head !== undefined &&
      tail !== undefined &&
      otherHead === undefined &&
      otherTail === undefined
    )
      return [together(head, tail)];
    if (heads.length * tails.length > MAX_VALUES && this.#most !== MAX_NAMES) {
      // Each of them once, instead of each with each.
      const values = Array.from({ length: Math.max(heads.length, tails.length) }, (_, at) =>
        together(heads[at % heads.length] ?? "", tails[at % tails.length] ?? ""),
      );
      return this.#kept([...new Set(values)]);
    }
    const all = heads.flatMap((start) => tails.map((end) => together(start, end)));
    return this.#kept([...new Set(all)]);
  }

  /** `a{b,c}d` is two words; what comes behind it goes to each of them when it is a literal. */
  #combineBraces(heads: readonly string[], text: string): string[] {
    const inner = text.slice(1, -1);
    if (/[{}$`]/.test(inner) || !inner.includes(",")) return this.#combine(heads, [text]);
    return heads.map((head) => {
      this.#budget.spendOn(head);
      const fields = head.split(BREAK);
      const last = fields.pop() ?? "";
      return [...fields, ...inner.split(",").map((item) => last + item)].join(BREAK);
    });
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
        const values = this.variable(part.text.slice(1));
        // In quotes each argument stays one word.
        if (quoted && part.text === "$@") return values;
        return this.#split(values, quoted, part.text === "$*");
      }
      case "ParameterExpansion": {
        const values = this.#parameter(part);
        if (quoted && (part.parameter === "@" || part.index?.value === "@")) return values;
        const joined = part.parameter === "*" || part.index?.value === "*";
        return this.#split(values, quoted, joined);
      }
      case "CommandExpansion":
        return this.#split(this.#output(part.script), quoted);
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

  /** An expansion as it is split into words, which one in quotes is not. */
  #split(values: readonly string[], quoted: boolean, joined = false): string[] {
    if (quoted) {
      const spaced = values.map((value) => value.replaceAll(BREAK, " "));
      // With an IFS of its own a script may join them with nothing in between.
      if (!joined || !this.#symbols.variables.has("IFS")) return spaced;
      return this.#union(
        values.map((value) => value.replaceAll(BREAK, "")),
        spaced,
      );
    }
    const separators = this.#symbols.variables.has("IFS") ? this.#separators() : "";
    const blanks = new RegExp(`[ \\t\\n${separators}]+`, "g");
    return values.map((value) => value.replace(blanks, BREAK));
  }

  /** Characters that the script adds to IFS. */
  #separators(): string {
    const sources = this.#symbols.variables.get("IFS") ?? [];
    return this.#assigned("IFS", sources)
      .filter(isKnown)
      .join("")
      .replace(/[^,:;|/+_.@%=~#-]/g, "")
      .replace(/-/g, "\\-");
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
          pattern.replace(value, by, REPLACES[operation.operator]),
        );
      }
      case "Slice": {
        const offset = this.#number(operation.offset);
        const length = operation.length === undefined ? Infinity : this.#number(operation.length);
        if (Number.isNaN(offset) || Number.isNaN(length)) return [UNKNOWN];
        if (part.parameter === "@" || part.index?.value === "@")
          return values.map((value) =>
            fieldsOf(value, offset - (part.parameter === "@" ? 1 : 0), length),
          );
        if (offset === 0 && length === 1 && PATHS_FROM_OUTSIDE.has(part.parameter)) return ["/"];
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
        return values.map((value) => transformed(value, operation.operand.value));
      case "Names":
      case "Unknown":
        return [UNKNOWN];
    }
  }

  /** A number that stands there, or that a variable has; NaN for all others. */
  #number(word: Word): number {
    const [text = ""] = this.word(word);
    const value = /^[A-Za-z_]\w*$/.test(text) ? this.variable(text)[0] : text;
    return value === undefined || value.trim() === "" ? Number.NaN : Number(value);
  }

  /** An element of an array where the index says so, the whole value elsewhere. */
  #element(part: Extract<WordPart, { type: "ParameterExpansion" }>): string[] {
    const values = this.variable(part.parameter);
    const index = part.index?.value;
    if (index === undefined || index === "@" || index === "*") return values;
    if (!/^\d+$/.test(index))
      return values.flatMap((value) => value.split(BREAK)).slice(0, this.#most);
    return values.map((value) =>
      value.includes(BREAK) ? (value.split(BREAK)[Number(index)] ?? "") : value,
    );
  }

  #indirect(name: string): string[] {
    const names = this.variable(name);
    if (!names.every((value) => /^[A-Za-z_]\w*$/.test(value))) return [INDIRECT];
    return names.flatMap((value) => this.variable(value)).slice(0, this.#most);
  }

  #withDefault(operator: string, values: string[], operand: Word): string[] {
    const other = this.word(operand);
    if (operator.includes("+")) return this.#union([UNSET], other);
    if (operator.includes("?")) return values.filter((value) => value !== UNSET);
    const isUnset = values.includes(UNSET) || values.includes(ABSENT) || values.includes("");
    return isUnset
      ? this.#union(
          other,
          values.filter((value) => value !== UNSET && value !== ABSENT && value !== ""),
        )
      : values;
  }

  #edit(
    values: string[],
    operand: Word,
    edit: (value: string, pattern: GlobPattern) => string,
  ): string[] {
    const pattern = GlobPattern.parse(this.word(operand)[0] ?? "", this.#budget);
    if (pattern === null) return [UNKNOWN];
    return values.map((value) => {
      if (!isKnown(value)) return value;
      checkEdited(value);
      return edit(value, pattern);
    });
  }

  #output(script: ParsedScript | undefined): string[] {
    if (script === undefined) return [OUTPUT];
    const output = evaluateScript(script, this);
    if (output !== null) return [withoutLineEnds(output)];
    return [readsFile(script) ? INPUT : OUTPUT];
  }
}

function withoutLineEnds(text: string): string {
  let { length } = text;
  while (text[length - 1] === "\n") length -= 1;
  return text.slice(0, length);
}

/** What of the script is in a value. */
function nodesOf(source: ValueSource): readonly SyntaxNode[] {
  if ("word" in source) return [source.word];
  if ("words" in source) return source.words;
  if ("commands" in source) return source.commands;
  return "text" in source && source.text.type === "Word" ? [source.text] : [];
}

/** Whether a substitution only picks something out of a file. */
function readsFile(script: ParsedScript): boolean {
  let reads = script.commands.length > 0;
  const visit = (node: SyntaxNode): void => {
    if (node.type === "Command") {
      const name = node.name?.value ?? "";
      if (NOT_READERS.has(name)) reads = false;
    }
    forEachChild(node, visit);
  };
  visit(script);
  const [only] = script.commands;
  const last = only?.command.type === "Pipeline" ? only.command.commands.at(-1) : only?.command;
  if (last?.type !== "Command") return false;
  // `$(< file)` has no command at all.
  return reads && (last.name === undefined || READERS.has(last.name.value));
}

/** The whole, and each of its lines. */
function asLines(text: string): string[] {
  const lines = text.trimEnd().split("\n");
  return lines.length === 1 ? lines : [lines.join(BREAK), ...lines];
}

function expandTilde(value: string): string {
  return /^~(?=\/|$)/.test(value) ? HOME + value.slice(1) : value;
}

/** Of values that are put together in steps, some to which all steps have added, and some to which few have. */
function longestAndShortest(longer: readonly string[], shorter: readonly string[]): string[] {
  const all = [...new Set([...longer, ...shorter])];
  if (all.length <= MAX_VALUES) return all;
  return [...new Set([...longer.slice(0, 3), ...longer.slice(-1), ...shorter.slice(-2)])];
}

/** Arguments of a function that is called with `shift`. */
const MAX_SHIFTED = 100;

/** What a parameter may be while the arguments are taken away one after the other. */
function shifted(name: string, values: readonly string[]): string[] {
  if (values.length > MAX_SHIFTED)
    throw new BudgetExceeded(`more than ${MAX_SHIFTED} arguments are shifted`);
  if (name !== "@" && name !== "*") return [...values.slice(Number(name) - 1), ABSENT];
  return values.map((_, at) => values.slice(at).join(BREAK));
}

function fieldsOf(value: string, offset: number, length: number): string {
  return value.split(BREAK).slice(Math.max(0, offset)).slice(0, length).join(BREAK);
}

function together(head: string, tail: string): string {
  if (head.length + tail.length > MAX_LENGTH)
    throw new BudgetExceeded(`a value of more than ${MAX_LENGTH} characters`);
  return head + tail;
}

function remove(value: string, pattern: GlobPattern, operator: string): string {
  const which = operator.length === 1 ? "shortest" : "longest";
  return operator.startsWith("#")
    ? pattern.withoutPrefix(value, which)
    : pattern.withoutSuffix(value, which);
}

/** Where each operator replaces. */
const REPLACES = { "/": "first", "//": "all", "/#": "start", "/%": "end" } as const;

/** Characters of a value that patterns are taken out of. */
const MAX_EDITED = 2000;

function checkEdited(value: string): void {
  if (value.length > MAX_EDITED)
    throw new BudgetExceeded(`a pattern for a value of more than ${MAX_EDITED} characters`);
}

function transformed(value: string, how: string): string {
  if (how === "E" || how === "P") return decodeEscapes(value);
  if (how === "L" || how === "U") return changeCase(value, how === "L" ? ",," : "^^");
  return how === "u" ? changeCase(value, "^") : value;
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
