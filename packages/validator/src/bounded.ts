import { BudgetExceeded } from "./budget.js";

/** Longer texts for other programs are not searched: that takes the square of their length. */
const MAX_TEXT = 200_000;
/** Longer lines are searched in pieces, each of which begins with the end of the one before it. */
const MAX_LINE = 2000;
const OVERLAP = 300;

/**
 * A text that patterns may be searched in, whoever wrote it: without long lines and without long runs of blanks.
 *
 * @throws BudgetExceeded
 */
export function bounded(text: string): string {
  if (text.length <= MAX_LINE) return text;
  if (text.length > MAX_TEXT)
    throw new BudgetExceeded(
      `a text for another program in it has more than ${MAX_TEXT} characters`,
    );
  return text
    .replace(/\s{32,}/g, (blanks) => (blanks.includes("\n") ? "\n" : " "))
    .split("\n")
    .flatMap(pieces)
    .join("\n");
}

function pieces(line: string): string[] {
  if (line.length <= MAX_LINE) return [line];
  const step = MAX_LINE - OVERLAP;
  return Array.from({ length: Math.ceil(line.length / step) }, (_, at) =>
    line.slice(at * step, at * step + MAX_LINE),
  );
}
