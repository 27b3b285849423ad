import type { Command, Word } from "../../parse.js";

/**
 * The paths that a word with braces stands for, as `/{etc,tmp}/shadow`, when all of it stands in the script. Of a
 * sequence, as `{a..z}`, it is a pattern.
 */
function bracePaths(word: Word): string[] {
  const parts = word.parts ?? [];
  if (!parts.some(({ type }) => type === "BraceExpansion")) return [];
  let paths = [""];
  for (const part of parts) {
    const tails = tailsOf(part);
    if (tails === null) return [];
    // Of many a pattern that stands for all of them.
    const own = paths.length * tails.length > 64 ? ["*"] : tails;
    paths = paths.flatMap((path) => own.map((tail) => path + tail));
  }
  return paths.filter((path) => path.includes("/"));
}

function tailsOf(part: NonNullable<Word["parts"]>[number]): string[] | null {
  switch (part.type) {
    case "Literal":
    case "SingleQuoted":
    case "AnsiCQuoted":
      return [part.value];
    case "Glob":
      return [part.text];
    case "BraceExpansion": {
      const inner = part.text.slice(1, -1);
      if (/[{}$`]/.test(inner)) return ["*"];
      return inner.includes(",") ? inner.split(",") : ["*"];
    }
    default:
      return null;
  }
}

/** Those of all words of a command. */
export function bracePathsOf({ args }: Command): string[] {
  return args.flatMap((arg) => (arg.type === "Word" ? bracePaths(arg) : []));
}
