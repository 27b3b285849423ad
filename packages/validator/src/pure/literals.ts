import { decodeEscapes } from "../escapes.js";

/** awk that only prints constants. */
export function awkPrint(args: readonly string[]): string | null {
  const program = /^BEGIN\s*\{\s*(printf|print)\s*\(?([^{}()|>]*)\)?\s*;?\s*\}$/.exec(
    args.length === 1 ? (args[0] ?? "") : "",
  );
  if (program === null) return null;
  const values = [...(program[2] ?? "").matchAll(/"((?:\\.|[^"\\])*)"|(\d+)/g)].map(
    ([, text, number]) => decodeEscapes(text ?? number ?? ""),
  );
  const [format = "", ...rest] = values;
  if (program[1] === "print") return `${values.join("")}\n`;
  let next = 0;
  return format.replace(/%([sdc])/g, (_, kind: string) => {
    const value = rest[next++] ?? "";
    return kind === "c" && /^\d+$/.test(value) ? String.fromCharCode(Number(value)) : value;
  });
}

/** An interpreter that only prints a constant. */
export function printedLiteral(args: readonly string[]): string | null {
  const match = /^print\s*\(?\s*(["'])([^"'\\]*)\1\s*\)?;?$/.exec(
    args.length === 2 && /^-[ce]$/.test(args[0] ?? "") ? (args[1] ?? "") : "",
  );
  return match?.[2] ?? null;
}
