import { once } from "node:events";

import { JobctlError } from "@jobctl/protocol";
import type { Parser } from "tar";

import { archiveInvalid } from "./archive-invalid.js";
import { isStorageError } from "./resource-error.js";

/**
 * Writes a plain tar that has been scanned into a parser and waits until the parser is through with it.
 *
 * @param broken asked after every piece; what it returns is thrown
 * @throws JobctlError `archive_invalid` when the bytes are not a complete tar archive; the system's own
 *   error when it cannot store what is in it
 */
export async function feed(
  source: AsyncIterable<Buffer>,
  parser: Parser,
  broken: () => Error | undefined,
): Promise<void> {
  let failure: unknown;
  const failed = new Promise<never>((_resolve, reject) => {
    parser.on("error", (error: unknown) => {
      failure ??= error;
      reject(explain(error));
    });
  });
  failed.catch(() => {});
  const closed = once(parser, "close");
  closed.catch(() => {});
  const stopIfBroken = (): void => {
    const problem = broken();
    if (problem !== undefined) throw problem;
    if (failure !== undefined) throw explain(failure);
  };
  await readingArchive(async () => {
    for await (const piece of source) {
      const roomLeft = parser.write(piece);
      stopIfBroken();
      if (!roomLeft) await Promise.race([once(parser, "drain"), failed]);
    }
  });
  parser.end();
  await Promise.race([closed, failed]);
  stopIfBroken();
}

/**
 * Does something that reads an archive; what the decompressor throws becomes an error for people.
 *
 * @throws JobctlError `archive_invalid`, or what the work throws
 */
export async function readingArchive(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw error instanceof JobctlError || !isZlibError(error) ? error : explain(error);
  }
}

/** A full disk, or a folder that is gone, is not the archive's fault: its entries have been checked. */
function explain(error: unknown): Error {
  if (isStorageError(error) && error instanceof Error) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return archiveInvalid(
    reason.includes("unexpected end of file") ? "the gzip data is cut short" : reason,
    error,
  );
}

function isZlibError(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return typeof code === "string" && code.startsWith("Z_");
}
