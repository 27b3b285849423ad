import type { Budget } from "./budget.js";
import { isKnown } from "./characters.js";

/** A pattern of bash: `*` for anything, `?` for one character, all others for themselves. */
export class GlobPattern {
  readonly #tokens: readonly string[];
  readonly #budget: Budget;

  /** @returns null when the pattern holds what is not known */
  static parse(pattern: string, budget: Budget): GlobPattern | null {
    return isKnown(pattern) ? new GlobPattern(pattern.replace(/\*+/g, "*"), budget) : null;
  }

  private constructor(pattern: string, budget: Budget) {
    this.#tokens = pattern.split("");
    this.#budget = budget;
  }

  /** What is left when the shortest or longest beginning that matches is taken away. */
  withoutPrefix(text: string, which: "shortest" | "longest"): string {
    const length = this.#matchLength(this.#tokens, text, 0, which);
    return length === null ? text : text.slice(length);
  }

  /** The same for the end. */
  withoutSuffix(text: string, which: "shortest" | "longest"): string {
    const backwards = text.split("").toReversed().join("");
    const length = this.#matchLength(this.#tokens.toReversed(), backwards, 0, which);
    return length === null ? text : text.slice(0, text.length - length);
  }

  /** The text with the longest matches replaced: the first, all, or the one at its beginning or end. */
  replace(text: string, by: string, where: "first" | "all" | "start" | "end"): string {
    if (this.#tokens.length === 0) return text;
    if (where === "end") {
      const rest = this.withoutSuffix(text, "longest");
      return rest === text ? text : rest + by;
    }
    const pieces: string[] = [];
    let from = 0;
    for (let at = 0; at < text.length;) {
      const length = this.#matchLength(this.#tokens, text, at, "longest");
      if (length !== null && length > 0) {
        pieces.push(text.slice(from, at), by);
        at += length;
        from = at;
        if (where !== "all") break;
      } else at += 1;
      if (where === "start") break;
    }
    return pieces.join("") + text.slice(from);
  }

  /** Characters from a place on that the tokens match; null when they do not. All ways are followed at once. */
  #matchLength(
    tokens: readonly string[],
    text: string,
    from: number,
    which: "shortest" | "longest",
  ): number | null {
    let states = follow(tokens, [0]);
    let found: number | null = null;
    for (let at = from; states.length > 0; at += 1) {
      this.#budget.spend(1 + (states.length >> 4));
      if (states.at(-1) === tokens.length) {
        found = at - from;
        if (which === "shortest") break;
      }
      const char = text[at];
      if (char === undefined) break;
      // The last star matches all that is left.
      if (states.length <= 2 && tokens.length - 1 === states[0] && tokens[states[0]] === "*")
        return text.length - from;
      states = follow(
        tokens,
        states.flatMap((state) => {
          const token = tokens[state];
          if (token === "*") return [state];
          return token === char || token === "?" ? [state + 1] : [];
        }),
      );
    }
    return found;
  }
}

/** The states, in order, with those that are reached by a star that matches nothing. */
function follow(tokens: readonly string[], states: readonly number[]): number[] {
  const all = new Set<number>();
  for (let state of states) {
    all.add(state);
    while (tokens[state] === "*") all.add((state += 1));
  }
  return [...all].toSorted((a, b) => a - b);
}
