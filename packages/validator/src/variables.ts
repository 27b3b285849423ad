import { BREAK, ABSENT, HOME, INPUT, SELF, UNKNOWN, UNSET } from "./characters.js";
import type { CommandNode } from "./parse.js";
import { deleteTarget } from "./paths.js";
import { evaluatePipe } from "./pure-output.js";
import { formatted } from "./pure-printf.js";
import type { Resolver } from "./resolve.js";
import type { Symbols, ValueSource } from "./symbols.js";
import { asLines, checkLength } from "./values.js";

/** Variables that a job, or a site, always has; their values are not the script's. */
const FROM_OUTSIDE =
  /^(PATH|OLDPWD|USER|LOGNAME|SHELL|HOSTNAME|LANG|LC_\w+|UID|EUID|PPID|RANDOM|SECONDS|LINENO|BASH\w*|JOBCTL_\w+|SLURM_\w+|PBS_\w+|LSB_\w+|SGE_\w+|OMP_\w+|CUDA_\w+|WORK|WORKDIR|TMP|TEMP|JOB_?ID|TASK_?ID|PROJECT\w*|GITHUB_\w+|CI_\w+)$/;

const isFromOutside = (name: string): boolean =>
  FROM_OUTSIDE.test(name) || (name.includes("SCRATCH") && /^\w+$/.test(name));

/** Values that further pieces are added to: of one that is put together in many steps, the last is the whole. */
const MAX_ENDS = 4;
/** Up to here what it is on the way counts as well. */
const MAX_STEPS_BETWEEN = 8;

/** Works out what variables may hold, wherever in the script they are used. */
export class Variables {
  readonly #symbols: Symbols;
  readonly #resolver: Resolver;
  readonly #busy = new Set<string>();
  readonly #known = new Map<string, string[]>();
  #knownFor = 0;
  #metItself = false;
  #arguments: readonly string[] | null = null;

  constructor(symbols: Symbols, resolver: Resolver) {
    this.#symbols = symbols;
    this.#resolver = resolver;
  }

  /** Counts up whenever what was worked out before may be different. */
  get state(): string {
    return `${this.#symbols.size} ${this.#arguments?.join(BREAK) ?? ""}`;
  }

  /** Whether a variable is being worked out whose value depends on itself. */
  get isIncomplete(): boolean {
    return this.#metItself;
  }

  /** Looks at something as in a function that is called with these arguments. */
  withArguments(values: readonly string[], look: () => void): void {
    const before = this.#arguments;
    this.#arguments = values;
    this.#known.clear();
    try {
      look();
    } finally {
      this.#arguments = before;
      this.#known.clear();
    }
  }

  has(name: string): boolean {
    return this.#symbols.variables.has(name);
  }

  of(name: string): string[] {
    if (name === "HOME") return [HOME];
    if (name === "TMPDIR") return [`/tmp/${UNKNOWN}`];
    if (name === "IFS") return [BREAK];
    if (name === "PWD") return ["."];
    if (name === "0") return [SELF];
    if (/^[@*]$|^\d+$/.test(name)) return this.#positional(name);
    if (/^[?$!#-]$/.test(name) || isFromOutside(name)) return [UNKNOWN];
    const sources = this.#symbols.variables.get(name);
    return sources === undefined ? [UNSET, UNKNOWN] : this.#assigned(name, sources);
  }

  /** What the script itself makes of IFS. */
  separators(): string[] {
    return this.#assigned("IFS", this.#symbols.variables.get("IFS") ?? []);
  }

  #positional(name: string): string[] {
    const values = this.#arguments ?? this.#setArguments();
    if (values === null) return [ABSENT, UNKNOWN];
    // With what `shift` may have taken away.
    if (name === "@" || name === "*") return [values.join(BREAK), values.slice(1).join(BREAK)];
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
    if (this.#knownFor !== this.#symbols.size) {
      this.#known.clear();
      this.#knownFor = this.#symbols.size;
    }
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    if (this.#busy.has(name)) {
      this.#metItself = true;
      return [UNKNOWN];
    }
    this.#busy.add(name);
    try {
      const values = this.#fromSources(sources);
      // Within a circle of variables the others' values are not complete yet; the first one's are.
      if (!this.#metItself || this.#busy.size === 1) this.#known.set(name, values);
      return values;
    } finally {
      this.#busy.delete(name);
      if (this.#busy.size === 0) this.#metItself = false;
    }
  }

  #fromSources(sources: readonly ValueSource[]): string[] {
    const values = new Set<string>();
    /** What the next piece is added to. */
    let ends: readonly string[] = [""];
    for (const source of sources) {
      const found = this.#fromSource(source);
      this.#resolver.spendOn(found);
      const appends = (source.kind === "word" || source.kind === "array") && source.append;
      if (appends) {
        ends = appended(ends, found);
        this.#resolver.spendOn(ends);
        if (values.size < MAX_STEPS_BETWEEN) for (const value of ends) values.add(value);
      } else {
        for (const value of found) values.add(value);
        ends = [...found, ...ends.filter((end) => end !== "")].slice(0, MAX_ENDS);
      }
    }
    for (const value of ends) if (value !== "" || values.size === 0) values.add(value);
    return sources.length === 0 ? [UNKNOWN] : [...values];
  }

  #fromSource(source: ValueSource): string[] {
    const first = (words: ValueSource & { kind: "joined" | "array" }): string[] =>
      words.words.map((word) => this.#resolver.word(word)[0] ?? "");
    switch (source.kind) {
      case "input":
        return [INPUT];
      case "printf":
        return [formatted(this.#resolver.argumentLists(source.words)[0] ?? []) ?? UNKNOWN];
      case "reference":
        return this.#resolver.word(source.word).flatMap((name) => this.of(name));
      case "text": {
        const { text } = source;
        const value =
          text.type === "Word"
            ? (this.#resolver.word(text)[0] ?? "")
            : this.#resolver.document(text).trimEnd();
        return source.lines ? asLines(value) : [value];
      }
      case "piped": {
        const value = evaluatePipe(source.commands, this.#resolver);
        return value === null ? [this.#listed(source.commands)] : asLines(value);
      }
      case "definition":
        return this.#resolver.word(source.word).map((value) => value.slice(value.indexOf("=") + 1));
      case "joined":
        return [first(source).join("")];
      case "one-of":
        return source.words.flatMap((word) =>
          this.#resolver.word(word).flatMap((value) => value.split(BREAK)),
        );
      case "array": {
        const joined = first(source)
          .map((value) => value.replace(/^\[[^\]]*\]=/, ""))
          .join(BREAK);
        return [source.append ? BREAK + joined : joined];
      }
      case "word":
        return this.#resolver.word(source.word);
    }
  }

  /** What `ls /etc` or `find /etc` prints, as far as a rule needs to know. */
  #listed(commands: readonly CommandNode[]): string {
    const [first] = commands;
    if (first?.type !== "Command" || first.name === undefined) return INPUT;
    const [name = "", ...args] = this.#resolver.argumentLists([first.name, ...first.args])[0] ?? [];
    const path = args.find((arg) => !arg.startsWith("-")) ?? "";
    return /^(ls|find)$/.test(name) && deleteTarget(path) !== null ? path : INPUT;
  }
}

/** Each value and each piece at least once. */
function appended(ends: readonly string[], pieces: readonly string[]): string[] {
  const count = Math.max(ends.length, Math.min(pieces.length, MAX_ENDS));
  return Array.from({ length: count }, (_, at) => {
    const [end = "", piece = ""] = [ends[at % ends.length], pieces[at % pieces.length]];
    checkLength(end.length + piece.length);
    return end + piece;
  });
}
