import type { Invocation } from "../../unwrap.js";

/** Files that never end. */
export const ENDLESS_FILES = /^(if=|--random-source=)?\/dev\/(zero|u?random|full)$/;

const FACTORS: Readonly<Record<string, number>> = { K: 1, M: 2, G: 3, T: 4, P: 5, E: 6 };

/** A size such as `64K`, `10GiB` or `1000000` in bytes; 0 for what is none. */
export function bytesOf(text: string): number {
  const match = /^\+?(\d{1,20})(?:\.\d{1,9})?([kKMGTPE]?)(?:i?[bB])?$/.exec(text);
  if (match === null) return 0;
  return Number(match[1]) * 1024 ** (FACTORS[(match[2] ?? "").toUpperCase()] ?? 0);
}

/** More than a job may ever need at once. */
export const TOO_MUCH = 1e12;

const FILTERS = new Set([
  "tr",
  "sed",
  "cat",
  "tee",
  "awk",
  "base64",
  "rev",
  "paste",
  "xxd",
  "od",
  "gzip",
]);

/**
 * Whether a command whose output goes into a file never ends by itself.
 *
 * @param reads the files that it is given as standard input
 */
export function fillsDisk(
  { name, args }: Pick<Invocation, "name" | "args">,
  upstream: readonly string[],
  reads: readonly string[],
): boolean {
  if (name === "yes") return true;
  if (upstream.includes("yes") && FILTERS.has(name))
    return upstream.every((other) => other === "yes" || FILTERS.has(other));
  if (name === "dd")
    return (
      args.some((arg) => ENDLESS_FILES.test(arg) && arg.startsWith("if=")) &&
      !args.some((arg) => /^(count|of)=/.test(arg))
    );
  const limited = args.some((arg) => /^-\w{0,5}[NlnS]/.test(arg));
  if (FILTERS.has(name) && !limited && reads.some((path) => ENDLESS_FILES.test(path))) return true;
  const copies = /^(cat|pv|base64|base32|xxd|od|hexdump|gzip|bzip2|xz|zstd|rev|tee|strings)$/.test(
    name,
  );
  return copies && !limited && args.some((arg) => ENDLESS_FILES.test(arg));
}
