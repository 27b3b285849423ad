import { BudgetExceeded } from "./budget.js";

/** Characters of a line of code: searching it takes the square of its length. */
const MAX_LINE = 4000;
/** Characters of code. */
const MAX_TEXT = 400_000;

/**
 * A text that patterns may be searched in, whoever wrote it.
 *
 * @throws BudgetExceeded
 */
export function bounded(text: string): string {
  if (text.length <= MAX_LINE) return text;
  if (text.length > MAX_TEXT)
    throw new BudgetExceeded(`code of more than ${MAX_TEXT} characters in one command`);
  for (let start = 0; start < text.length;) {
    const end = text.indexOf("\n", start);
    const length = (end === -1 ? text.length : end) - start;
    if (length > MAX_LINE)
      throw new BudgetExceeded(`code with a line of more than ${MAX_LINE} characters`);
    start += length + 1;
  }
  return text;
}
