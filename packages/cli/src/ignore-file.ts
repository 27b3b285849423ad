import {
  ANY_DEPTH,
  compilePathPatterns,
  readCharacterClass,
  type NameToken,
  type PathPattern,
} from "@jobctl/protocol/path-pattern";

/** Most lines of one ignore file. */
export const MAX_IGNORE_LINES = 5000;

/** Longest pattern; no path is longer. */
const MAX_PATTERN_LENGTH = 4096;

/** What one ignore file says. */
export interface IgnoreFile {
  /**
   * What its last line that matches says of a path; null when no line matches.
   *
   * @param path relative to the directory of the file
   */
  readonly verdict: (path: string, isDirectory: boolean) => "ignored" | "kept" | null;
}

interface Rule {
  readonly pattern: PathPattern;
  readonly negated: boolean;
  readonly directoriesOnly: boolean;
}

/**
 * Reads the lines of an ignore file as git does (gitignore(5), "Pattern format"), and matches them
 * in time that is bounded for every pattern and path. A line that is not a valid pattern matches
 * nothing, as in git.
 */
export function compileIgnoreFile(text: string): IgnoreFile {
  const rules = text
    .replace(/^\uFEFF/, "")
    .split("\n", MAX_IGNORE_LINES)
    .map(readLine)
    .filter((rule) => rule !== null);
  const lastMatch = compilePathPatterns(rules.map(({ pattern }) => pattern));
  return {
    verdict: (path, isDirectory) => {
      const at = lastMatch(path, (rule) => isDirectory || rules[rule]?.directoriesOnly === false);
      const rule = rules[at];
      if (rule === undefined) return null;
      return rule.negated ? "kept" : "ignored";
    },
  };
}

/** Null for a line that matches nothing: a blank one, a comment, or an invalid pattern. */
function readLine(line: string): Rule | null {
  let rest = trimEnd(line.endsWith("\r") ? line.slice(0, -1) : line);
  if (rest === "" || rest.startsWith("#") || rest.length > MAX_PATTERN_LENGTH) return null;
  const negated = rest.startsWith("!");
  if (negated) rest = rest.slice(1);
  const directoriesOnly = rest.endsWith("/");
  if (directoriesOnly) rest = rest.slice(0, -1);
  const anchored = rest.includes("/");
  if (rest.startsWith("/")) rest = rest.slice(1);
  const pattern = readPattern(rest);
  if (pattern === null) return null;
  return { pattern: anchored ? pattern : [ANY_DEPTH, ...pattern], negated, directoriesOnly };
}

/** Removes spaces at the end, up to one that is written as `\ `. */
function trimEnd(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === " ") end -= 1;
  let backslashes = 0;
  while (line[end - 1 - backslashes] === "\\") backslashes += 1;
  return line.slice(0, backslashes % 2 === 1 && end < line.length ? end + 1 : end);
}

function readPattern(text: string): PathPattern | null {
  const segments = readSegments(Array.from(text));
  const pattern: (readonly NameToken[] | typeof ANY_DEPTH)[] = [];
  for (const [at, { tokens, stars }] of segments?.entries() ?? []) {
    if (tokens.length === 0) return null;
    if (stars < 2 || segments?.length === 1) {
      pattern.push(tokens);
      continue;
    }
    if (pattern.at(-1) !== ANY_DEPTH) pattern.push(ANY_DEPTH);
    // At the end it means everything inside, and not the directory itself.
    if (at + 1 === segments?.length) pattern.push(tokens);
  }
  return pattern.length === 0 ? null : pattern;
}

interface Segment {
  readonly tokens: NameToken[];
  /** Length of a segment that is nothing but stars; -1 for any other. */
  stars: number;
}

/** Null for an invalid pattern. Stars in a row are one, and a class may hold a `/`, as in git. */
function readSegments(text: readonly string[]): Segment[] | null {
  let segment: Segment = { tokens: [], stars: 0 };
  const segments = [segment];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? "";
    if (char === "/") {
      segment = { tokens: [], stars: 0 };
      segments.push(segment);
    } else if (char === "*") {
      if (segment.tokens.at(-1)?.kind !== "anyText") segment.tokens.push({ kind: "anyText" });
      if (segment.stars >= 0) segment.stars += 1;
    } else {
      segment.stars = -1;
      if (char === "?") {
        segment.tokens.push({ kind: "anyCharacter" });
      } else if (char === "[") {
        const read = readCharacterClass(text, at, true);
        if ("problem" in read) return null;
        segment.tokens.push(read.token);
        at = read.end - 1;
      } else {
        if (char === "\\") at += 1;
        const literal = text[at];
        if (literal === undefined) return null;
        segment.tokens.push({ kind: "character", codePoint: literal.codePointAt(0) ?? 0 });
      }
    }
  }
  return segments;
}
