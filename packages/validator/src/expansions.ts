import { BudgetExceeded } from "./budget.js";
import { ABSENT, BREAK, INDIRECT, UNKNOWN, UNSET, isKnown } from "./characters.js";
import { decodeEscapes } from "./escapes.js";
import type { GlobPattern } from "./glob-match.js";
import { LIMITS } from "./limits.js";
import type { Word, WordPart } from "./parse.js";
import type { Resolver } from "./resolve.js";
import { union } from "./values.js";
import type { Variables } from "./variables.js";

/** Variables whose value begins with a slash. */
const PATHS_FROM_OUTSIDE = new Set(["HOME", "PATH", "PWD", "OLDPWD", "SHELL", "TMPDIR"]);

type Parameter = Extract<WordPart, { type: "ParameterExpansion" }>;
type Operation = NonNullable<Parameter["operation"]>;

/** Works out `$x` and all forms of `${x...}`. */
export class Expansions {
  readonly #variables: Variables;
  readonly #resolver: Resolver;

  constructor(variables: Variables, resolver: Resolver) {
    this.#variables = variables;
    this.#resolver = resolver;
  }

  /** An expansion as it is split into words, which one in quotes is not. */
  split(values: readonly string[], quoted: boolean, joined = false): string[] {
    this.#resolver.spendOn(values);
    if (quoted) {
      const spaced = values.map((value) => value.replaceAll(BREAK, " "));
      // With an IFS of its own a script may join them with nothing in between.
      if (!joined || !this.#variables.has("IFS")) return spaced;
      return union(
        values.map((value) => value.replaceAll(BREAK, "")),
        spaced,
      );
    }
    const separators = this.#variables.has("IFS") ? this.#separators() : "";
    const blanks = separators === "" ? /[ \t\n]+/g : new RegExp(`[ \\t\\n${separators}]+`, "g");
    return values.map((value) => value.replace(blanks, BREAK));
  }

  /** Characters that the script adds to IFS. */
  #separators(): string {
    const all = this.#variables.separators().filter(isKnown).join("");
    return [",", ":", ";", "|", "/", "+", "_", ".", "@", "%", "=", "~", "#", "-"]
      .filter((char) => all.includes(char))
      .map((char) => (char === "-" ? "\\-" : char))
      .join("");
  }

  parameter(part: Parameter): string[] {
    if (part.prefix === "#") return [UNKNOWN];
    if (part.prefix === "!") return this.#indirect(part.parameter);
    const values = this.#element(part);
    const { operation } = part;
    if (operation === undefined) return values;
    this.#resolver.spendOn(values);
    switch (operation.type) {
      case "Default":
        return this.#withDefault(operation.operator, values, operation.operand);
      case "Remove":
      case "Replace":
        return this.#edited(values, operation);
      case "Slice":
        return sliced(part, values);
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
  #element(part: Parameter): string[] {
    const values = this.#variables.of(part.parameter);
    const index = part.index?.value;
    if (index === undefined || index === "@" || index === "*") return values;
    this.#resolver.spendOn(values);
    if (!/^\d+$/.test(index)) {
      const elements = values.flatMap((value) => value.split(BREAK));
      return this.#resolver.limited(elements);
    }
    return values.map((value) =>
      value.includes(BREAK) ? (value.split(BREAK)[Number(index)] ?? "") : value,
    );
  }

  #indirect(name: string): string[] {
    const names = this.#variables.of(name);
    if (!names.every((value) => /^[A-Za-z_]\w*$/.test(value))) return [INDIRECT];
    return this.#resolver.limited(names.flatMap((value) => this.#variables.of(value)));
  }

  #withDefault(operator: string, values: string[], operand: Word): string[] {
    const other = this.#resolver.word(operand);
    if (operator.includes("+")) return union([UNSET], other);
    if (operator.includes("?")) return values.filter((value) => value !== UNSET);
    const isUnset = values.includes(UNSET) || values.includes(ABSENT) || values.includes("");
    if (!isUnset) return values;
    const set = values.filter((value) => value !== UNSET && value !== ABSENT && value !== "");
    return union(other, set);
  }

  /** `${x#p}`, `${x%p}`, `${x/p/r}` and the like. */
  #edited(
    values: string[],
    operation: Extract<Operation, { type: "Remove" | "Replace" }>,
  ): string[] {
    const removes = operation.type === "Remove";
    const word = removes ? operation.operand : operation.pattern;
    const pattern = this.#resolver.pattern(this.#resolver.word(word)[0] ?? "");
    if (pattern === null) return [UNKNOWN];
    const by = removes ? "" : (this.#resolver.word(operation.replacement)[0] ?? "");
    return values.map((value) => {
      if (!isKnown(value)) return value;
      if (value.length > LIMITS.editedLength)
        throw new BudgetExceeded(
          `a text in it that a pattern is taken out of has more than ${LIMITS.editedLength} characters`,
        );
      return removes
        ? remove(value, pattern, operation.operator)
        : pattern.replace(value, by, placeOf(operation.operator));
    });
  }
}

/** `${x:1:2}`, where the numbers stand there. */
function sliced(part: Parameter, values: readonly string[]): string[] {
  const { operation } = part;
  if (operation?.type !== "Slice") return [...values];
  const offset = Number(operation.offset.value);
  const length = operation.length === undefined ? Infinity : Number(operation.length.value);
  if (Number.isNaN(offset) || Number.isNaN(length)) return [UNKNOWN];
  if (offset === 0 && length === 1 && PATHS_FROM_OUTSIDE.has(part.parameter)) return ["/"];
  return values.map((value) => {
    const rest = value.slice(offset < 0 ? Math.max(0, value.length + offset) : offset);
    return isKnown(value) ? rest.slice(0, length < 0 ? rest.length + length : length) : UNKNOWN;
  });
}

function remove(value: string, pattern: GlobPattern, operator: string): string {
  const which = operator.length === 2 ? "longest" : "shortest";
  return operator.startsWith("#")
    ? pattern.withoutPrefix(value, which)
    : pattern.withoutSuffix(value, which);
}

function placeOf(operator: string): "first" | "all" | "start" | "end" {
  if (operator === "//") return "all";
  if (operator === "/#") return "start";
  return operator === "/%" ? "end" : "first";
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
