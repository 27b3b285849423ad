import { decodeEscapes } from "./escapes.js";
import { checkLength } from "./values.js";

/** What `echo` prints. */
export function echo(args: readonly string[]): string {
  const flags = args.findIndex((arg) => !/^-[neE]+$/.test(arg));
  const words = flags === -1 ? [] : args.slice(flags);
  const options = args.slice(0, flags === -1 ? args.length : flags).join("");
  const text = options.includes("e") ? decodeEscapes(words.join(" ")) : words.join(" ");
  return options.includes("n") ? text : `${text}\n`;
}

/**
 * What `printf` prints; null when it uses a conversion that is not worked out here.
 *
 * @throws BudgetExceeded
 */
export function formatted(args: readonly string[]): string | null {
  const [format = "", ...values] = args[0] === "--" ? args.slice(1) : args;
  if (args[0] === "-v") return "";
  if (/%[^sbd%]/.test(format)) return null;
  const text = decodeEscapes(format);
  let next = 0;
  let output = "";
  // The format is used again for as long as there are values.
  do {
    const before = next;
    output += text.replace(/%([sbd%])/g, (_, kind: string) => {
      if (kind === "%") return "%";
      const value = values[next++] ?? "";
      return kind === "b" ? decodeEscapes(value) : value;
    });
    checkLength(output.length);
    if (next === before) break;
  } while (next < values.length);
  return output;
}
