import { isKnown } from "./characters.js";

/** A glob as the source of a regular expression; null when it holds what is not known. */
export function globPattern(glob: string): string | null {
  // Each star multiplies the work of the expression: no honest pattern has many.
  if (!isKnown(glob) || glob.split("*").length > 4) return null;
  return glob.replace(/[\\^$.*+?()[\]{}|/]/g, (char) =>
    char === "*" ? "[^]*" : char === "?" ? "[^]" : `\\${char}`,
  );
}
