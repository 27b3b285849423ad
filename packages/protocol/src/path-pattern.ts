/**
 * Patterns for slash-separated paths, matched without backtracking over the path: the common core
 * of globs and of ignore files. A path costs at most the characters of the patterns times those of
 * the names that it does not share with the path before it.
 */

/** One element of a pattern for a single name. */
export type NameToken =
  | { readonly kind: "character"; readonly codePoint: number }
  | { readonly kind: "anyCharacter" }
  | { readonly kind: "anyText" }
  | CharacterClass;

/** One character out of ranges, or with `negated` one outside of them. */
export interface CharacterClass {
  readonly kind: "class";
  readonly negated: boolean;
  /** First and last code point of each range, both included. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** Any number of names, none included. */
export const ANY_DEPTH = "**";

/** A pattern for a whole path: one part for each name, or `ANY_DEPTH`. */
export type PathPattern = readonly (readonly NameToken[] | typeof ANY_DEPTH)[];

/** POSIX character classes in ASCII, as `[[:digit:]]` spells them. */
const POSIX_CLASSES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  alnum: [
    ["0", "9"],
    ["A", "Z"],
    ["a", "z"],
  ],
  alpha: [
    ["A", "Z"],
    ["a", "z"],
  ],
  blank: [
    ["\t", "\t"],
    [" ", " "],
  ],
  cntrl: [
    ["\u0000", "\u001f"],
    ["\u007f", "\u007f"],
  ],
  digit: [["0", "9"]],
  graph: [["!", "~"]],
  lower: [["a", "z"]],
  print: [[" ", "~"]],
  punct: [
    ["!", "/"],
    [":", "@"],
    ["[", "`"],
    ["{", "~"],
  ],
  space: [
    ["\t", "\r"],
    [" ", " "],
  ],
  upper: [["A", "Z"]],
  xdigit: [
    ["0", "9"],
    ["A", "F"],
    ["a", "f"],
  ],
};

/** A text as code points: `?` stands for one of them. */
export function codePoints(text: string): number[] {
  return Array.from(text, (char) => char.codePointAt(0) ?? 0);
}

/**
 * Reads a bracket expression.
 *
 * @param at where its `[` is
 * @param lenient as git reads it: it may hold a `/`, and a range may run backwards; both match nothing
 * @returns the class and where the text goes on, or what is wrong with it
 */
export function readCharacterClass(
  text: readonly string[],
  at: number,
  lenient = false,
): { readonly token: CharacterClass; readonly end: number } | { readonly problem: string } {
  let next = at + 1;
  const negated = text[next] === "!" || text[next] === "^";
  if (negated) next += 1;
  const ranges: [number, number][] = [];
  for (let first = true; ; first = false) {
    const char = text[next];
    if (char === undefined) return { problem: "the [ has no closing ]" };
    if (char === "]" && !first) return { token: { kind: "class", negated, ranges }, end: next + 1 };
    if (char === "[" && text[next + 1] === ":") {
      const end = text.indexOf(":", next + 2);
      const name = end === -1 ? "" : text.slice(next + 2, end).join("");
      const named = Object.hasOwn(POSIX_CLASSES, name) ? POSIX_CLASSES[name] : undefined;
      if (named === undefined || text[end + 1] !== "]") {
        return { problem: "[: in a class must begin a POSIX class such as [:digit:]" };
      }
      ranges.push(...named.map(([from, to]) => [codeOf(from), codeOf(to)] as [number, number]));
      next = end + 2;
      continue;
    }
    const from = readClassCharacter(text, next, lenient);
    if (from === null) return { problem: "a class such as [a-z] cannot hold a / or end in \\" };
    next = from.end;
    if (text[next] !== "-" || text[next + 1] === "]" || text[next + 1] === undefined) {
      ranges.push([from.codePoint, from.codePoint]);
      continue;
    }
    const to = readClassCharacter(text, next + 1, lenient);
    if (to === null) return { problem: "a class such as [a-z] cannot hold a / or end in \\" };
    if (to.codePoint < from.codePoint && !lenient)
      return { problem: "a range in [ ] runs backwards" };
    ranges.push([from.codePoint, to.codePoint]);
    next = to.end;
  }
}

function readClassCharacter(
  text: readonly string[],
  at: number,
  lenient: boolean,
): { codePoint: number; end: number } | null {
  const escaped = text[at] === "\\";
  const char = text[escaped ? at + 1 : at];
  if (char === undefined || (char === "/" && !lenient)) return null;
  return { codePoint: codeOf(char), end: at + (escaped ? 2 : 1) };
}

function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0;
}

/** Whether a pattern matches a whole name. Takes at most their lengths multiplied. */
export function matchesName(pattern: readonly NameToken[], name: readonly number[]): boolean {
  let token = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    const current = pattern[token];
    if (current?.kind === "anyText") {
      star = token;
      starAt = at;
      token += 1;
    } else if (current !== undefined && matchesCharacter(current, name[at] ?? 0)) {
      token += 1;
      at += 1;
    } else if (star >= 0) {
      // Only the last star need be tried again: what lies before it has matched at its earliest.
      starAt += 1;
      at = starAt;
      token = star + 1;
    } else {
      return false;
    }
  }
  while (pattern[token]?.kind === "anyText") token += 1;
  return token === pattern.length;
}

function matchesCharacter(token: NameToken, codePoint: number): boolean {
  if (token.kind === "character") return token.codePoint === codePoint;
  if (token.kind !== "class") return true;
  return token.ranges.some(([from, to]) => from <= codePoint && codePoint <= to) !== token.negated;
}

/** Number of the last pattern that matches a path, of those that count; -1 when none does. */
export type LastMatch = (path: string, counts?: (pattern: number) => boolean) => number;

/**
 * Matches paths against many patterns at once. Each pattern is a row of steps; a state is the set
 * of steps that the names so far have led to. The states along the last path are kept, so that
 * paths that come in the order of a walk cost their last name only.
 */
export function compilePathPatterns(patterns: readonly PathPattern[]): LastMatch {
  const END = null;
  const steps: (PathPattern[number] | typeof END)[] = [];
  const starts: number[] = [];
  const patternAtEnd = new Map<number, number>();
  for (const [number, pattern] of patterns.entries()) {
    starts.push(steps.length);
    steps.push(...pattern, END);
    patternAtEnd.set(steps.length - 1, number);
  }

  /** Adds a step, and those behind it that take no name. */
  const enter = (state: Set<number>, step: number): void => {
    for (let at = step; !state.has(at); at += 1) {
      state.add(at);
      if (steps[at] !== ANY_DEPTH) return;
    }
  };
  const advance = (state: ReadonlySet<number>, name: string): Set<number> => {
    const after = new Set<number>();
    const characters = codePoints(name);
    for (const at of state) {
      const step = steps[at] ?? END;
      if (step === END) continue;
      if (step === ANY_DEPTH) enter(after, at);
      else if (matchesName(step, characters)) enter(after, at + 1);
    }
    return after;
  };

  const initial = new Set<number>();
  for (const start of starts) enter(initial, start);
  const names: string[] = [];
  const states: Set<number>[] = [initial];

  return (path, counts = () => true) => {
    const parts = path.split("/");
    let depth = 0;
    while (depth < names.length && names[depth] === parts[depth]) depth += 1;
    names.length = depth;
    states.length = depth + 1;
    let state = states[depth] ?? initial;
    for (; depth < parts.length; depth += 1) {
      if (state.size === 0) return -1;
      const name = parts[depth] ?? "";
      state = advance(state, name);
      names.push(name);
      states.push(state);
    }
    let last = -1;
    for (const at of state) {
      const pattern = patternAtEnd.get(at) ?? -1;
      if (pattern > last && counts(pattern)) last = pattern;
    }
    return last;
  };
}
