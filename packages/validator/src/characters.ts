/**
 * Characters that stand for what is not known in a text that was worked out from a script. They are
 * of Unicode's private use area, and are replaced should a script contain them.
 */

/** Anything: the value of a variable of the environment, the output of a command. */
export const UNKNOWN = "\uE000";
/** Nothing, if the variable is not set from outside. */
export const UNSET = "\uE001";
/** The home directory. */
export const HOME = "\uE002";
/** The end of one word and the beginning of the next, where an expansion is split. */
export const BREAK = "\uE003";
/** The output of a command, as a whole. */
export const OUTPUT = "\uE004";
/** The value of a variable whose name is not known. */
export const INDIRECT = "\uE005";

const MARKERS = /[\uE000-\uE005]/g;

export function isKnown(text: string): boolean {
  return !/[\uE000\uE004\uE005]/.test(text);
}

/** A text without markers, for people. */
export function readable(text: string): string {
  return text
    .replaceAll(HOME, "~")
    .replaceAll(BREAK, " ")
    .replaceAll(UNSET, "")
    .replace(MARKERS, "…");
}

/** The text with markers taken out, as input. */
export function withoutMarkers(text: string): string {
  return text.replace(MARKERS, "?");
}
