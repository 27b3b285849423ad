/**
 * Control characters of C0 and C1, and those that turn the direction of text: what a terminal acts
 * upon instead of showing it.
 */
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const CONTROLS_WITHIN_LINES =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** A text of one line, such as a name, with its control characters spelled out: `\x1b`. */
export function printable(text: string): string {
  return text.replace(CONTROLS, spelled);
}

/** The same for a text of several lines: line ends and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(CONTROLS_WITHIN_LINES, spelled);
}

/** A value as JSON in which every control character is escaped, also those that JSON lets pass. */
export function toPrintableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function spelled(char: string): string {
  const code = char.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, "0")}`;
}
