/** Longer lines, and longer texts, are looked at up to here: searching them takes the square of their length. */
const MAX_LINE = 2000;
const MAX_TEXT = 200_000;

/** A text that patterns may be searched in, whoever wrote it. */
export function bounded(text: string): string {
  if (text.length <= MAX_LINE) return text;
  return text
    .slice(0, MAX_TEXT)
    .split("\n")
    .map((line) => line.slice(0, MAX_LINE))
    .join("\n");
}
