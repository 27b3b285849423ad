import { bounded } from "../../bounded.js";
import type { FileUse } from "../../rule.js";
import { readOf, writeOf } from "./file-uses.js";

/** The files that code of another language names as text, and what it does with them. */
export function filesInCode(given: string): FileUse[] {
  const code = bounded(given);
  const literals = code.matchAll(/(["'])((?:\/|~\/)[\w./*-]+)\1/g);
  return Array.from(literals, ({ index, 0: literal, 2: path = "" }) => {
    const isOpened = /open\s{0,9}\(\s{0,9}$/.test(code.slice(Math.max(0, index - 30), index));
    const mode = code.slice(index + literal.length, index + literal.length + 20);
    return isOpened && /^\s*,\s*(mode\s*=\s*)?["'][wax]/.test(mode) ? writeOf(path) : readOf(path);
  });
}
