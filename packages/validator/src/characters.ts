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

/** What was read from a file or from standard input. */
export const INPUT = "\uE006";
/** Nothing, if the script or function is given no arguments. */
export const ABSENT = "\uE007";
/** The script's own path. */
export const SELF = "\uE008";

const MARKERS = /[\uE000-\uE008]/g;

export function isKnown(text: string): boolean {
  return !/[\uE000\uE004-\uE008]/.test(text);
}

/** Whether a word is nothing but what may not be there. */
export function mayBeNothing(text: string): boolean {
  return /^[\uE000\uE001\uE007]*$/.test(text);
}

/** A text without markers, for people. */
export function readable(text: string): string {
  return text
    .replaceAll(HOME, "~")
    .replaceAll(BREAK, " ")
    .replaceAll(UNSET, "")
    .replaceAll(ABSENT, "")
    .replaceAll(SELF, "$0")
    .replace(MARKERS, "…");
}

/** The text as it is when variables that may be empty are. */
export function withoutUnset(text: string): string {
  return text.replaceAll(UNSET, "").replaceAll(ABSENT, "");
}

/** The text with markers taken out, as input. */
export function withoutMarkers(text: string): string {
  return text.replace(MARKERS, "?");
}
