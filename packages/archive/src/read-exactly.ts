import { read, readSync } from "node:fs";
import { promisify } from "node:util";

import { JobctlError } from "@jobctl/protocol";

const READ_BYTES = 256 * 1024;
/** Below this a read costs less than handing it to another thread. */
const SMALL_BYTES = 64 * 1024;

const readAsync = promisify(read);

/**
 * The content of an open file, as long as was announced: a log that is being written grows while it
 * is read.
 *
 * @throws JobctlError `archive_invalid` when it has become shorter
 */
export async function* readExactly(
  descriptor: number,
  entry: { readonly path: string; readonly sizeBytes: number },
): AsyncGenerator<Buffer> {
  const { sizeBytes } = entry;
  if (sizeBytes <= SMALL_BYTES) {
    yield readSmall(descriptor, entry);
    return;
  }
  // While a piece is being passed on, the next one is read.
  let reading = readPiece(descriptor, 0, sizeBytes);
  try {
    for (let offset = 0; offset < sizeBytes;) {
      const piece = await reading;
      if (piece.length === 0) throw becameShorter(entry);
      offset += piece.length;
      if (offset < sizeBytes) {
        reading = readPiece(descriptor, offset, sizeBytes);
        reading.catch(() => {});
      }
      yield piece;
    }
  } finally {
    // The caller closes the file next: nothing may be reading from it.
    await reading.catch(() => {});
  }
}

/** The content of a small file, whole, so that what is announced of it is what it is. */
function readSmall(
  descriptor: number,
  entry: { readonly path: string; readonly sizeBytes: number },
): Buffer {
  const content = Buffer.alloc(entry.sizeBytes);
  for (let offset = 0; offset < content.length;) {
    const bytesRead = readSync(descriptor, content, offset, content.length - offset, offset);
    if (bytesRead === 0) throw becameShorter(entry);
    offset += bytesRead;
  }
  return content;
}

async function readPiece(descriptor: number, offset: number, sizeBytes: number): Promise<Buffer> {
  const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, sizeBytes - offset));
  const { bytesRead } = await readAsync(descriptor, piece, 0, piece.length, offset);
  return piece.subarray(0, bytesRead);
}

function becameShorter({ path }: { readonly path: string }): JobctlError {
  return new JobctlError(
    "archive_invalid",
    `${JSON.stringify(path)} became shorter while it was being packed`,
    { hint: "Try again when nothing writes to it.", details: { entry: path } },
  );
}
