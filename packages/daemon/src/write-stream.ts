import { createHash } from "node:crypto";
import { open, rm, type FileHandle } from "node:fs/promises";

const BATCH_BYTES = 512 * 1024;

/** A file that has been written and synced; its name is not durable until its directory is. */
export interface WrittenFile {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * Writes a stream to a new file, with its SHA-256, and syncs it. While one batch is being written the
 * next is read. When it throws, no file is left.
 *
 * @param check called with each piece before it counts, and with the bytes so far; what it throws
 *   ends the writing
 */
export async function writeStream(
  path: string,
  source: AsyncIterable<Buffer>,
  check: (chunk: Buffer, sizeBytes: number) => Promise<void> | void = () => {},
): Promise<WrittenFile> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      return await writeAll(file, source, check);
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(path, { force: true });
    // What fails on a file that is open does not say which one it was.
    if (isSystemError(error)) error.path ??= path;
    throw error;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

async function writeAll(
  file: FileHandle,
  source: AsyncIterable<Buffer>,
  check: (chunk: Buffer, sizeBytes: number) => Promise<void> | void,
): Promise<WrittenFile> {
  const hash = createHash("sha256");
  const batch = new Batch(file);
  let sizeBytes = 0;
  try {
    for await (const chunk of source) {
      sizeBytes += chunk.length;
      await check(chunk, sizeBytes);
      hash.update(chunk);
      await batch.add(chunk);
    }
  } finally {
    // The file is closed next: nothing may be on its way into it.
    await batch.finish();
  }
  await file.sync();
  return { sizeBytes, sha256: hash.digest("hex") };
}

/** Collects pieces and writes them together, one batch at a time. */
class Batch {
  readonly #file: FileHandle;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async add(piece: Buffer): Promise<void> {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes >= BATCH_BYTES) await this.#flush();
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#writing;
  }

  async #flush(): Promise<void> {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#bytes = 0;
    await this.#writing;
    if (pieces.length === 0) return;
    this.#writing = this.#file.writeFile(Buffer.concat(pieces));
    // It is awaited before the next one; until then its failure is nobody's.
    this.#writing.catch(() => {});
  }
}
