import { constants, lstatSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

import { KeyedEvents } from "@jobctl/daemon";

const READ_BYTES = 64 * 1024;

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

/** Bytes of a log that is complete; 0 when it is gone. */
export function logSize(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true ? stat.size : 0;
}

async function rethrow(problem: unknown): Promise<never> {
  throw problem;
}

/**
 * One output stream of a job, on disk, up to a number of bytes. Readers follow it while it grows:
 * they are woken by the writer, nothing polls.
 *
 * Invariant: `size` bytes of the file may be read at any time; once `complete`, they are all.
 */
export class LogFile {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #maxBytes: number;
  readonly #grown = new KeyedEvents<"grown">();
  #size = 0;
  #complete = false;

  private constructor(path: string, file: FileHandle, size: number, maxBytes: number) {
    this.path = path;
    this.#file = file;
    this.#size = size;
    this.#maxBytes = maxBytes;
  }

  /** Opens the file for appending, and makes it when it is not there. */
  static async open(path: string, maxBytes: number): Promise<LogFile> {
    const file = await open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
    const { size } = await file.stat();
    return new LogFile(path, file, size, maxBytes);
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes that were written and are not there: the file was removed or cut short. */
  get missingBytes(): number {
    return Math.max(0, this.#size - logSize(this.path));
  }

  /**
   * Appends what fits.
   *
   * @param onFull asked when the disk does not take it; false gives up what is left of the chunk, the default throws
   * @returns false when some of it did not fit
   */
  async append(
    chunk: Buffer,
    onFull: (problem: unknown) => Promise<boolean> = rethrow,
  ): Promise<boolean> {
    const fits = chunk.subarray(0, Math.max(0, this.#maxBytes - this.#size));
    for (let written = 0; written < fits.length;) {
      try {
        const { bytesWritten } = await this.#file.write(fits, written);
        written += bytesWritten;
        this.#size += bytesWritten;
        this.#grown.announce("grown");
      } catch (error) {
        if (!(await onFull(error))) break;
      }
    }
    return fits.length === chunk.length;
  }

  /** Nothing more will be written. */
  async finish(): Promise<void> {
    if (this.#complete) return;
    this.#complete = true;
    try {
      await this.#file.close();
    } finally {
      this.#grown.announce("grown");
    }
  }

  /**
   * The bytes from an offset on.
   *
   * @param follow whether to wait for more until the log is complete
   */
  async *read(offset: number, follow: boolean, signal: AbortSignal): AsyncGenerator<Buffer> {
    const file = await open(this.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      for (let at = offset; !signal.aborted;) {
        const wanted = Math.min(READ_BYTES, this.#size - at);
        if (wanted > 0) {
          const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
          if (bytesRead === 0) return;
          at += bytesRead;
          yield buffer.subarray(0, bytesRead);
        } else if (this.#complete || !follow) {
          return;
        } else {
          await this.#grown.next("grown", signal);
        }
      }
    } finally {
      await file.close();
    }
  }
}
