import { isUtf8 } from "node:buffer";

/**
 * A name as text. Bytes that are not UTF-8 are written as `\xE9`, so that nothing is lost and two
 * names stay two.
 */
export function fileNameText(name: Buffer): string {
  if (isUtf8(name)) return name.toString("utf8");
  let text = "";
  for (let at = 0; at < name.length;) {
    const length = characterLength(name, at);
    text +=
      length === 0
        ? `\\x${(name[at] ?? 0).toString(16).toUpperCase().padStart(2, "0")}`
        : name.toString("utf8", at, at + length);
    at += Math.max(1, length);
  }
  return text;
}

/** Bytes of the UTF-8 character at an offset; 0 when there is no valid one. */
function characterLength(name: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= name.length; length += 1)
    if (isUtf8(name.subarray(at, at + length))) return length;
  return 0;
}
