import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** How a file that may be anything was read. */
export type SmallFile =
  | { readonly kind: "text"; readonly text: string; readonly uid: number; readonly mode: number }
  /** There is nothing, a directory, or nothing that this user may read. */
  | { readonly kind: "absent" }
  | { readonly kind: "unusable"; readonly problem: string };

const ABSENT_CODES = new Set(["ENOENT", "ENOTDIR", "EACCES", "ELOOP"]);

/**
 * Reads a file that lies in a directory that may come from elsewhere. Never waits for a FIFO, and
 * never reads more than `maxBytes`.
 *
 * @throws the system's error for what is neither absent nor unusable
 */
export function readSmallFile(path: string, maxBytes: number): SmallFile {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (ABSENT_CODES.has(code)) return { kind: "absent" };
    // A socket, or a device without a driver.
    if (code === "ENXIO") return { kind: "unusable", problem: "it is not a file" };
    throw error;
  }
  try {
    const found = fstatSync(file);
    if (found.isDirectory()) return { kind: "absent" };
    if (!found.isFile()) return { kind: "unusable", problem: "it is not a file" };
    const tooLarge = { kind: "unusable", problem: `it has more than ${maxBytes} bytes` } as const;
    if (found.size > maxBytes) return tooLarge;
    const buffer = Buffer.alloc(Math.min(found.size, maxBytes) + 1);
    let length = 0;
    for (;;) {
      const count = readSync(file, buffer, length, buffer.length - length, null);
      length += count;
      // It has grown since.
      if (length === buffer.length) return tooLarge;
      if (count === 0) break;
    }
    const text = buffer.toString("utf8", 0, length);
    return { kind: "text", text, uid: found.uid, mode: found.mode };
  } finally {
    closeSync(file);
  }
}
