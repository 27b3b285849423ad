import { readFileSync, readdirSync } from "node:fs";

/** A regular expression of the package, and where it stands. */
export interface FoundPattern {
  readonly file: string;
  readonly pattern: RegExp;
}

const ROOT = new URL("./", import.meta.url);
/** Behind these a slash begins a regular expression; behind all others it divides. */
const BEFORE_PATTERN = /(^|[(,=:[!&|?{};+\n]|\breturn|=>)\s*$/;

/** Every regular expression that stands in the compiled package, tests aside. */
export function patternsOfPackage(): FoundPattern[] {
  return readdirSync(ROOT, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".js") && !/\.test(-support)?\.js$/.test(file))
    .toSorted()
    .flatMap((file) =>
      patternsIn(readFileSync(new URL(file, ROOT), "utf8")).map((pattern) => ({ file, pattern })),
    );
}

/** Walks over code: strings, comments and patterns are taken as a whole. */
function patternsIn(code: string): RegExp[] {
  const found: RegExp[] = [];
  let before = "";
  for (let at = 0; at < code.length;) {
    const char = code[at] ?? "";
    if (code.startsWith("//", at)) at = endOf(code, "\n", at);
    else if (code.startsWith("/*", at)) at = endOf(code, "*/", at) + 2;
    else if (char === '"' || char === "'" || char === "`") {
      at = endOfQuoted(code, at);
      before = char;
    } else if (char === "/" && BEFORE_PATTERN.test(before)) {
      const end = endOfPattern(code, at);
      const [flags = ""] = /^[a-z]*/.exec(code.slice(end)) ?? [];
      found.push(new RegExp(code.slice(at + 1, end - 1), flags));
      at = end + flags.length;
      before = "/";
    } else {
      before = (before + char).slice(-20);
      at += 1;
    }
  }
  return found;
}

function endOf(code: string, mark: string, from: number): number {
  const at = code.indexOf(mark, from);
  return at === -1 ? code.length : at;
}

function endOfQuoted(code: string, from: number): number {
  const quote = code[from];
  let at = from + 1;
  while (at < code.length && code[at] !== quote) at += code[at] === "\\" ? 2 : 1;
  return at + 1;
}

function endOfPattern(code: string, from: number): number {
  let inClass = false;
  let at = from + 1;
  for (; at < code.length && (inClass || code[at] !== "/"); at += 1) {
    if (code[at] === "\\") at += 1;
    else if (code[at] === "[") inClass = true;
    else if (code[at] === "]") inClass = false;
  }
  return at + 1;
}

/** Texts that repeat what the pattern might match, and then do not match it. */
export function adversaries(pattern: RegExp, length: number): string[] {
  const words = pattern.source.match(/[A-Za-z]{2,}|(?<=\\)[^\w\s]|[^\w\s\\()[\]{}|*+?^$]/g) ?? [];
  const pieces = new Set([
    ...words,
    "a",
    " ",
    "/",
    ".",
    "-",
    "\\",
    '"',
    "'",
    "\n",
    "\t",
    "0",
    "=",
    "a.",
    "a ",
    "a=",
    "-a ",
    "a/",
    "a:",
    "/.",
    "s/",
  ]);
  return [...pieces].flatMap((piece) => {
    const body = piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
    return [...new Set(["", words[0] ?? "", words[1] ?? ""])].map(
      (start) => `${start}${body}\u0001`,
    );
  });
}
