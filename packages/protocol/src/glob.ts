/**
 * Globs, as `--output` and `--path` take them.
 *
 * A glob describes whole paths below a directory, with `/` between names. Upper and lower case
 * differ, and names that begin with a dot are like any others.
 *
 * | written        | matches                                                        |
 * | -------------- | -------------------------------------------------------------- |
 * | `*`            | any characters within one name, none included                  |
 * | `?`            | one character                                                  |
 * | `[a-z]`        | one of these characters; `[!a-z]` one that is not among them   |
 * | `**`           | as a whole segment: any number of folders, none included       |
 * | `{csv,json}`   | either of these; not nested                                    |
 * | `\*`           | the character itself                                           |
 *
 * There is no negation and there are no extended globs such as `@(a|b)`.
 */
import {
  ANY_DEPTH,
  compilePathPatterns,
  readCharacterClass,
  type NameToken,
  type PathPattern,
} from "./path-pattern.js";

/** Longest glob, in UTF-16 units. */
export const MAX_GLOB_LENGTH = 1024;

/** Most globs in one list. */
export const MAX_GLOBS = 100;

/** Most patterns that the alternatives of one glob may stand for. */
const MAX_ALTERNATIVES = 64;

/**
 * Most characters in all globs of a list, with their alternatives written out. It bounds what one
 * name costs: at most this many steps for each of its (usually at most 255) characters.
 */
const MAX_TOTAL_LENGTH = 8192;

type Token = NameToken | { readonly kind: "slash" | "open" | "comma" | "close" };
type Parsed = { readonly patterns: readonly PathPattern[] } | { readonly problem: string };

/**
 * Why a text is not a valid glob, and what to write instead; null when it is one.
 */
export function globProblem(glob: string): string | null {
  const parsed = parse(glob);
  return "problem" in parsed ? parsed.problem : null;
}

/** Why a list of globs is not valid, naming the first that is not; null when it is. */
export function globsProblem(globs: readonly string[]): string | null {
  if (globs.length > MAX_GLOBS) {
    return `${globs.length} patterns are too many, at most ${MAX_GLOBS} may be given`;
  }
  let total = 0;
  for (const glob of globs) {
    const parsed = parse(glob);
    if ("problem" in parsed) return `${JSON.stringify(glob)}: ${parsed.problem}`;
    for (const pattern of parsed.patterns) {
      for (const part of pattern) total += part.length + 1;
    }
  }
  return total <= MAX_TOTAL_LENGTH
    ? null
    : `the patterns have ${total} characters with their alternatives written out, at most ${MAX_TOTAL_LENGTH} may be given; use ** and * instead of lists`;
}

/**
 * Makes a test for paths that match at least one of the globs. Of a list that `globsProblem()`
 * accepts, no path can make it slow.
 *
 * @throws RangeError for a list that `globsProblem()` does not accept
 */
export function compileGlobs(globs: readonly string[]): (path: string) => boolean {
  const problem = globsProblem(globs);
  if (problem !== null) throw new RangeError(problem);
  const lastMatch = compilePathPatterns(
    globs.flatMap((glob) => {
      const parsed = parse(glob);
      return "patterns" in parsed ? parsed.patterns : [];
    }),
  );
  return (path) => lastMatch(path) >= 0;
}

function parse(glob: string): Parsed {
  const problem = problemOfText(glob);
  if (problem !== null) return { problem };
  const read = readTokens(Array.from(glob.replace(/^(?:\.\/)+/, "")));
  if (!Array.isArray(read)) return read;
  const expanded = expand(read);
  if (!Array.isArray(expanded)) return expanded;
  const patterns: PathPattern[] = [];
  for (const alternative of expanded) {
    const pattern = toPathPattern(alternative);
    if ("problem" in pattern) return pattern;
    patterns.push(pattern.pattern);
  }
  return { patterns };
}

function problemOfText(glob: string): string | null {
  if (glob === "") return "the pattern is empty; ** matches everything";
  if (glob.length > MAX_GLOB_LENGTH) {
    return `the pattern is ${glob.length} characters long, at most ${MAX_GLOB_LENGTH} are allowed`;
  }
  if (glob.includes("\0")) return "the pattern holds a NUL character, which no name can";
  if (glob.startsWith("!")) {
    return "a pattern cannot be negated; for a name that begins with ! write \\!";
  }
  if (glob.startsWith("/")) return "paths are relative to the job's directory; remove the first /";
  return null;
}

function readTokens(text: readonly string[]): Token[] | { readonly problem: string } {
  const tokens: Token[] = [];
  let braceOpen = false;
  for (let at = 0; at < text.length;) {
    const char = text[at] ?? "";
    if (text[at + 1] === "(" && "?*+@!".includes(char)) {
      return {
        problem: `extended patterns such as ${char}(...) are not supported; write {a,b} for alternatives, and \\( for a parenthesis`,
      };
    }
    if (char === "[") {
      const read = readCharacterClass(text, at);
      if ("problem" in read) return { problem: `${read.problem}; for the character write \\[` };
      tokens.push(read.token);
      at = read.end;
      continue;
    }
    at += 1;
    if (char === "\\") {
      const escaped = text[at];
      if (escaped === undefined) return { problem: "it ends in \\; for the character write \\\\" };
      if (escaped === "/") return { problem: "write / without a \\ before it" };
      tokens.push({ kind: "character", codePoint: escaped.codePointAt(0) ?? 0 });
      at += 1;
    } else if (char === "{") {
      if (braceOpen)
        return { problem: "{ } cannot be nested; write {a,b,c}, or \\{ for the character" };
      braceOpen = true;
      tokens.push({ kind: "open" });
    } else if (char === "}" && braceOpen) {
      braceOpen = false;
      tokens.push({ kind: "close" });
    } else if (char === "," && braceOpen) tokens.push({ kind: "comma" });
    else if (char === "/") tokens.push({ kind: "slash" });
    else if (char === "*") tokens.push({ kind: "anyText" });
    else if (char === "?") tokens.push({ kind: "anyCharacter" });
    else tokens.push({ kind: "character", codePoint: char.codePointAt(0) ?? 0 });
  }
  return braceOpen ? { problem: "the { has no closing }; for the character write \\{" } : tokens;
}

/** Writes alternatives out: `a{b,c}` is `ab` and `ac`. */
function expand(tokens: readonly Token[]): Token[][] | { readonly problem: string } {
  let results: Token[][] = [[]];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) break;
    if (token.kind !== "open") {
      for (const result of results) result.push(token);
      continue;
    }
    const close = tokens.findIndex(({ kind }, index) => index > at && kind === "close");
    const alternatives = splitAt(tokens.slice(at + 1, close), "comma");
    if (alternatives.length === 1) {
      return { problem: "{ } needs alternatives, such as {csv,json}; for the character write \\{" };
    }
    if (results.length * alternatives.length > MAX_ALTERNATIVES) {
      return { problem: `its { } stand for more than ${MAX_ALTERNATIVES} patterns; give several` };
    }
    results = results.flatMap((result) =>
      alternatives.map((alternative) => [...result, ...alternative]),
    );
    at = close;
  }
  return results;
}

function toPathPattern(
  tokens: readonly Token[],
): { readonly pattern: PathPattern } | { readonly problem: string } {
  const pattern: (NameToken[] | typeof ANY_DEPTH)[] = [];
  for (const segment of splitAt(tokens, "slash")) {
    const names = segment as NameToken[];
    const text = names.map((token) => (token.kind === "character" ? token.codePoint : -1));
    if (names.length === 0) {
      return {
        problem: "a / must stand between two names; for everything in a folder write folder/**",
      };
    }
    if (text.every((codePoint) => codePoint === DOT) && text.length <= 2) {
      return { problem: "a path cannot hold . or .. as a name" };
    }
    if (names.length === 2 && names.every(({ kind }) => kind === "anyText")) {
      if (pattern.at(-1) !== ANY_DEPTH) pattern.push(ANY_DEPTH);
      continue;
    }
    if (names.some(({ kind }, at) => kind === "anyText" && names[at + 1]?.kind === "anyText")) {
      return { problem: "** must stand alone between slashes, as in **/*.csv; write a single *" };
    }
    pattern.push(names);
  }
  return { pattern };
}

const DOT = 0x2e;

function splitAt(tokens: readonly Token[], kind: "slash" | "comma"): Token[][] {
  const parts: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === kind) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}
