import { BudgetExceeded } from "./budget.js";
import { BREAK, HOME } from "./characters.js";
import { LIMITS } from "./limits.js";

/** Two sets of values as one, without repeats. */
export function union(a: readonly string[], b: readonly string[]): string[] {
  if (a.length === 0 && b.length <= 1) return [...b];
  return [...new Set([...a, ...b])];
}

/** Up to here every beginning is tried with every end. */
const MAX_COMBINED = 12;

/**
 * Every beginning with every end. Where these are too many, each beginning and each end at least once.
 *
 * @throws BudgetExceeded
 */
export function combine(heads: readonly string[], tails: readonly string[]): string[] {
  if (heads.length * tails.length <= MAX_COMBINED)
    return heads.flatMap((start) => tails.map((end) => joined(start, end)));
  return Array.from({ length: Math.max(heads.length, tails.length) }, (_, at) =>
    joined(heads[at % heads.length] ?? "", tails[at % tails.length] ?? ""),
  );
}

/**
 * Joined without being copied: a long word is put together from one piece after the other.
 *
 * @throws BudgetExceeded
 */
function joined(head: string, tail: string): string {
  checkLength(head.length + tail.length);
  return head + tail;
}

/** @throws BudgetExceeded */
export function checkLength(length: number): void {
  if (length > LIMITS.textLength)
    throw new BudgetExceeded(`a text in it grows longer than ${LIMITS.textLength} characters`);
}

/**
 * `a{b,c}d` is two words; what comes behind it goes to the last of them.
 *
 * @returns null when the braces are no list of words
 * @throws BudgetExceeded
 */
export function braceWords(text: string): readonly string[] | null {
  const inner = text.slice(1, -1);
  return /[{}$`]/.test(inner) || !inner.includes(",") ? null : inner.split(",");
}

/** Each of the words behind what stands before the braces in the last word of a value. */
export function spreadBraces(head: string, words: readonly string[]): string {
  const at = head.lastIndexOf(BREAK) + 1;
  const last = head.slice(at);
  checkLength(head.length + (last.length + 1) * words.length);
  return head.slice(0, at) + words.map((word) => last + word).join(BREAK);
}

/** The whole, and each of its lines. */
export function asLines(text: string): string[] {
  const lines = text.trimEnd().split("\n");
  return lines.length === 1 ? lines : [lines.join(BREAK), ...lines];
}

export function expandTilde(value: string): string {
  return value === "~" || value.startsWith("~/") ? HOME + value.slice(1) : value;
}
