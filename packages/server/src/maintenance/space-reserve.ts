import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { open, rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";

import type { Logger } from "@jobctl/daemon";

const RESERVE_BYTES = 16 * 1024 ** 2;
/** Written in one go. Random bytes take as much space on file systems that compress. */
const CHUNK_BYTES = 256 * 1024;
/** What is left free when the reserve is taken back on a volume that is nearly full. */
const LEFT_BYTES = 256 * 1024;

export interface SpaceReserveParts {
  readonly dbPath: string;
  /** Free space that the reserve never takes, in bytes. */
  readonly minFreeBytes: number;
  readonly logger: Logger;
}

/**
 * A file whose content means nothing, beside the database, `<database>.reserve`, that is given up while a vacuum works on a
 * volume that is full. It is written where there is ample space, and holds less than it should where there was not.
 */
export class SpaceReserve {
  readonly #parts: SpaceReserveParts;
  #busy: Promise<unknown> = Promise.resolve();
  #isLent = false;

  constructor(parts: SpaceReserveParts) {
    this.#parts = parts;
  }

  get path(): string {
    return `${this.#parts.dbPath}.reserve`;
  }

  /** What is set aside, in bytes; 0 where there is nothing. */
  get sizeBytes(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Free space on the volume of the database, in bytes. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(dirname(this.#parts.dbPath));
    return bavail * bsize;
  }

  /** Writes what is missing of it, as far as that much again, and the minimum, stay free. */
  async keep(): Promise<void> {
    if (this.#isLent) return;
    const leave = Math.max(this.#parts.minFreeBytes, RESERVE_BYTES);
    await this.#alone(() => this.#grow(RESERVE_BYTES, leave));
  }

  /**
   * Gives the space up for as long as the function takes, and takes back as much of it as there is then. What
   * cannot be taken back is written by `keep` later.
   */
  async lend<T>(work: () => Promise<T>): Promise<T> {
    this.#isLent = true;
    return this.#alone(async () => {
      const lentBytes = this.sizeBytes;
      try {
        await rm(this.path, { force: true });
        this.#parts.logger.warn({ event: "reserve_lent", lentBytes });
        return await work();
      } finally {
        await this.#grow(lentBytes, LEFT_BYTES).catch((error: unknown) => {
          this.#parts.logger.warn({ event: "reserve_not_written", err: error });
        });
        this.#isLent = false;
      }
    });
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#busy.then(work);
    this.#busy = mine.catch(() => {});
    return mine;
  }

  async #grow(toBytes: number, leaveBytes: number): Promise<void> {
    let missingBytes = toBytes - this.sizeBytes;
    const hasRoom = async (): Promise<boolean> =>
      (await this.freeBytes()) >= leaveBytes + CHUNK_BYTES;
    if (missingBytes <= 0 || !(await hasRoom())) return;
    const file = await open(this.path, "a", 0o600);
    try {
      while (missingBytes > 0 && (await hasRoom())) {
        const chunk = randomBytes(Math.min(CHUNK_BYTES, missingBytes));
        await file.writeFile(chunk);
        missingBytes -= chunk.length;
      }
      await file.sync();
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      // Somebody else was faster: what has been written is a reserve as well.
      if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
    } finally {
      await file.close();
    }
  }
}
