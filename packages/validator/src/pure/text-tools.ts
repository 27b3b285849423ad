import { decodeEscapes } from "../escapes.js";

/** What `tr` prints; null with options that are not worked out here. */
export function translate(args: readonly string[], input: string): string | null {
  const [first = "", second = ""] = args;
  if (first === "-d")
    return input.replace(new RegExp(`[${escapeSet(expandRanges(second))}]`, "g"), "");
  if (first.startsWith("-")) return null;
  const [from, to] = [expandRanges(decodeEscapes(first)), expandRanges(decodeEscapes(second))];
  return [...input]
    .map((char) => {
      const at = from.indexOf(char);
      return at === -1 ? char : (to[Math.min(at, to.length - 1)] ?? "");
    })
    .join("");
}

/** What `cut` prints for one range. */
export function cut(args: readonly string[], input: string): string | null {
  const option = (letter: string): string | undefined => {
    const at = args.findIndex((arg) => arg.startsWith(`-${letter}`));
    return at === -1 ? undefined : args[at]?.slice(2) || args[at + 1];
  };
  const range = /^(\d+)(-(\d*))?$/.exec(option("c") ?? option("f") ?? "");
  if (range === null) return null;
  const from = Number(range[1]) - 1;
  const to = range[2] === undefined ? from + 1 : range[3] ? Number(range[3]) : undefined;
  const delimiter = option("c") === undefined ? (option("d") ?? "\t") : "";
  return input
    .split("\n")
    .map((line) => line.split(delimiter).slice(from, to).join(delimiter))
    .join("\n");
}

/** What `head` prints. */
export function head(args: readonly string[], input: string): string | null {
  const text = args.join("");
  const bytes = /^-c(\d+)$/.exec(text)?.[1];
  if (bytes !== undefined) return input.slice(0, Number(bytes));
  const lines = /^-n?(\d+)$/.exec(text)?.[1];
  return lines === undefined ? null : input.split("\n").slice(0, Number(lines)).join("\n");
}

/** What `tail` prints. */
export function tail(args: readonly string[], input: string): string | null {
  const count = /^-n?\s*(\+?)(\d+)$/.exec(args.join(" "));
  if (count === null) return null;
  const lines = input.trimEnd().split("\n");
  const number = Number(count[2]);
  return `${lines.slice(count[1] === "+" ? number - 1 : -number).join("\n")}\n`;
}

/** grep with a plain word to look for. */
export function grep(args: readonly string[], input: string): string | null {
  const [pattern, ...files] = args.filter((arg) => !arg.startsWith("-"));
  if (pattern === undefined || files.length > 0 || !/^[\w /-]+$/.test(pattern)) return null;
  const lines = input.split("\n").filter((line) => line.includes(pattern));
  return args.some((arg) => /^-\w*o/.test(arg))
    ? lines.map(() => pattern).join("\n")
    : lines.join("\n");
}

function expandRanges(set: string): string {
  return set
    .replaceAll("[:upper:]", "A-Z")
    .replaceAll("[:lower:]", "a-z")
    .replace(/(.)-(.)/g, (whole: string, from: string, to: string) => {
      const [start, end] = [from.charCodeAt(0), to.charCodeAt(0)];
      if (end < start || end - start > 256) return whole;
      return Array.from({ length: end - start + 1 }, (_, offset) =>
        String.fromCharCode(start + offset),
      ).join("");
    });
}

function escapeSet(set: string): string {
  return set === "" ? "^\\s\\S" : set.replace(/[\\\]^-]/g, "\\$&");
}

/** Decoded text; null where there is none. */
export function decode(input: string, encoding: "base64" | "hex"): string | null {
  const packed = input.replace(/\s/g, "");
  const text = Buffer.from(packed, encoding).toString("utf8");
  return packed !== "" && text === "" ? null : text;
}
