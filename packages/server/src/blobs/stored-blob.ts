import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";

import type { RandomAccess } from "@jobctl/archive";

import { PIECE_BYTES, areRight, type Checksums } from "./checksums.js";
import { fromDevice } from "./unreadable.js";

const READ_BYTES = 4 * PIECE_BYTES;

/** A blob's open file, and what it has to be like. */
export interface OpenedBlob {
  readonly file: FileHandle;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Null for a blob of one piece, whose name is the digest of it. */
  readonly checksums: Checksums | null;
  /**
   * Called when bytes do not fit the checksums: reads the whole file through.
   *
   * @returns its checksums when it is right after all
   * @throws JobctlError `blob_damaged`
   */
  readonly reverify: () => Promise<Checksums>;
}

/**
 * A blob that is open for reading. Every byte is compared with the checksums that were taken when it was
 * stored before it is given out: whoever reads gets what was stored, or an error.
 */
export class StoredBlob implements RandomAccess {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly #file: FileHandle;
  readonly #reverify: OpenedBlob["reverify"];
  #checksums: Checksums | null;
  /** The piece that was read last: headers of small files lie side by side. */
  #last: { readonly piece: number; readonly bytes: Buffer } | null = null;

  constructor({ file, sha256, sizeBytes, checksums, reverify }: OpenedBlob) {
    this.sha256 = sha256;
    this.sizeBytes = sizeBytes;
    this.#file = file;
    this.#checksums = checksums;
    this.#reverify = reverify;
  }

  async stat(): Promise<{ readonly size: number }> {
    return { size: this.sizeBytes };
  }

  /** @throws JobctlError `blob_damaged`, `file_system` when the machine does not give it */
  async read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }> {
    const wanted = Math.min(length, this.sizeBytes - position);
    let bytesRead = 0;
    while (bytesRead < wanted) {
      const at = position + bytesRead;
      const piece = Math.floor(at / PIECE_BYTES);
      if (this.#last?.piece !== piece)
        this.#last = { piece, bytes: await this.#checked(piece, PIECE_BYTES) };
      const from = at - piece * PIECE_BYTES;
      const until = Math.min(this.#last.bytes.length, from + wanted - bytesRead);
      bytesRead += this.#last.bytes.copy(into, offset + bytesRead, from, until);
    }
    return { bytesRead: Math.max(0, bytesRead) };
  }

  /**
   * The bytes from `start` to `end`, both included.
   *
   * @throws JobctlError `blob_damaged`, before the first byte that is wrong; `file_system` when the machine
   *   does not give it
   */
  async *stream(start = 0, end = this.sizeBytes - 1): AsyncGenerator<Buffer> {
    for (let at = start; at <= end;) {
      const piece = Math.floor(at / PIECE_BYTES);
      const begin = piece * PIECE_BYTES;
      const bytes = await this.#checked(piece, Math.min(READ_BYTES, end + 1 - begin));
      yield bytes.subarray(at - begin, end + 1 - begin);
      at = begin + bytes.length;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Whole pieces, so many that they hold at least these bytes. */
  async #checked(piece: number, bytes: number): Promise<Buffer> {
    const begin = piece * PIECE_BYTES;
    if (begin >= this.sizeBytes) {
      await this.#reverify();
      throw new RangeError(`${begin} lies behind the end of the stored file ${this.sha256}`);
    }
    const whole = Math.ceil(bytes / PIECE_BYTES) * PIECE_BYTES;
    const length = Math.min(whole, this.sizeBytes - begin);
    const read = await this.#readFully(begin, length);
    if (read.length === length && this.#isRight(read, piece)) return read;
    // The checksums may be wrong as well: the digest of the whole blob decides.
    this.#checksums = await this.#reverify();
    const again = await this.#readFully(begin, length);
    if (again.length === length && this.#isRight(again, piece)) return again;
    // It was replaced while it was open here; the next reader opens the new file.
    throw new Error(`the stored file ${this.sha256} was replaced while it was read`);
  }

  #isRight(bytes: Buffer, piece: number): boolean {
    if (this.#checksums !== null) return areRight(bytes, piece, this.#checksums);
    return createHash("sha256").update(bytes).digest("hex") === this.sha256;
  }

  async #readFully(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#file
        .read(buffer, filled, length - filled, position + filled)
        .catch(async (error: unknown) => {
          // A sector that stays unreadable is found again, and listed.
          if ((error as NodeJS.ErrnoException).code === "EIO") await this.#reverify();
          throw fromDevice(this.sha256, error);
        });
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }
}
