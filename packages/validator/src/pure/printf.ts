import { BudgetExceeded } from "../budget.js";
import { decodeEscapes } from "../escapes.js";

/** What `echo` prints. */
export function echo(args: readonly string[]): string {
  const flags = args.findIndex((arg) => !/^-[neE]+$/.test(arg));
  const words = flags === -1 ? [] : args.slice(flags);
  const options = args.slice(0, flags === -1 ? args.length : flags).join("");
  const text = options.includes("e") ? decodeEscapes(words.join(" ")) : words.join(" ");
  return options.includes("n") ? text : `${text}\n`;
}

/** Characters that printf is followed up to. */
const MAX_PRINTED = 200_000;

/** What `printf` prints; null when it uses a conversion that is not worked out here. */
export function formatted(args: readonly string[]): string | null {
  const [format = "", ...values] = args[0] === "--" ? args.slice(1) : args;
  if (args[0] === "-v") return "";
  let next = 0;
  let output = "";
  // The format is used again for as long as there are values.
  do {
    const before = next;
    output += decodeEscapes(format).replace(/%0?\d{0,2}([sbdiuoxXcq%])/g, (_, kind: string) => {
      if (kind === "%") return "%";
      return converted(kind, values[next++] ?? "");
    });
    if (next === before) break;
    if (output.length > MAX_PRINTED)
      throw new BudgetExceeded(`printf makes more than ${MAX_PRINTED} characters`);
  } while (next < values.length);
  return /%(?!0?\d{0,2}[sbdiuoxXcq%])/.test(format) ? null : output;
}

/** A value as printf prints it; `'c` is the number of the character. */
function converted(kind: string, value: string): string {
  if (kind === "b") return decodeEscapes(value);
  if (kind === "c") return value.slice(0, 1);
  if (!/[diuoxX]/.test(kind)) return value;
  const number = /^["']/.test(value) ? (value.codePointAt(1) ?? 0) : Number(value || 0);
  if (!Number.isSafeInteger(number)) return value;
  const text = number.toString(kind === "o" ? 8 : /x/i.test(kind) ? 16 : 10);
  return kind === "X" ? text.toUpperCase() : text;
}
