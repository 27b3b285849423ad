import { createHash } from "node:crypto";

import { JobctlError } from "@jobctl/protocol";

import { fileState, openBlobFile } from "./blob-file.js";
import type { BlobRecords } from "./blob-records.js";
import { ChecksumTaker, hasChecksums, type Checksums } from "./checksums.js";
import { fromDevice, misplacedReason, unreadableReason } from "./unreadable.js";

const READ_BYTES = 256 * 1024;
/** For how long a blob that has been read through is taken for right where nothing of it is served. */
const TRUST_MS = 60_000;
/** Blobs of which it is remembered. */
const MAX_REMEMBERED = 10_000;

export interface ReadThrough {
  /** Called before each piece, with its size in bytes: whoever reads in the background waits here. */
  readonly pace?: (bytes: number) => Promise<void>;
}

/** What a blob's file was like when it was read through, and when that was. */
interface Seen {
  readonly state: string;
  readonly atMs: number;
  /** What is wrong with it; null when it is right. */
  readonly damage: JobctlError | null;
}

/** Reads blobs through, compares them with their names, and takes their checksums on the way. */
export class BlobVerifier {
  readonly #pathOf: (sha256: string) => string;
  readonly #records: BlobRecords;
  readonly #seen = new Map<string, Seen>();
  /** Blobs that are being read through; however many ask for one, it is read once. */
  readonly #reading = new Map<string, Promise<Checksums>>();

  constructor(pathOf: (sha256: string) => string, records: BlobRecords) {
    this.#pathOf = pathOf;
    this.#records = records;
  }

  /**
   * Reads a blob through, whatever is remembered of it: what was found damaged is read again.
   *
   * @throws JobctlError `blob_damaged`, `file_system` when the machine does not give it; the file system's
   *   error when it cannot be opened
   */
  async readThrough(sha256: string, { pace }: ReadThrough = {}): Promise<Checksums> {
    // One that waits on purpose is not waited for.
    if (pace !== undefined) return this.#readThrough(sha256, pace);
    const underWay = this.#reading.get(sha256);
    if (underWay !== undefined) return underWay;
    const reading = this.#readThrough(sha256, async () => {});
    this.#reading.set(sha256, reading);
    try {
      return await reading;
    } finally {
      this.#reading.delete(sha256);
    }
  }

  /** The same, unless it has been done within the last minute, or found damage in this very file. */
  async check(sha256: string): Promise<void> {
    const seen = this.#seen.get(sha256);
    if (seen !== undefined && seen.state === (await fileState(this.#pathOf(sha256)))) {
      if (seen.damage !== null) throw seen.damage;
      if (performance.now() - seen.atMs < TRUST_MS) return;
    }
    await this.readThrough(sha256);
  }

  /** Called when a piece of it is wrong; a file that was found damaged is not read through again. */
  async recheck(sha256: string): Promise<Checksums> {
    const seen = this.#seen.get(sha256);
    if (seen?.damage != null && seen.state === (await fileState(this.#pathOf(sha256))))
      throw seen.damage;
    return this.readThrough(sha256);
  }

  /**
   * Checksums for a file of this size; null when it is its own.
   *
   * @throws JobctlError `blob_damaged`
   */
  async checksumsOf(sha256: string, sizeBytes: number): Promise<Checksums | null> {
    const known = this.#records.findChecksums(sha256);
    if (known?.sizeBytes === sizeBytes) return known;
    // Cut off, or stored before checksums were taken.
    if (known !== null || sizeBytes === 0) return this.recheck(sha256);
    return hasChecksums(sizeBytes) ? this.recheck(sha256) : null;
  }

  /** A blob has been stored that was hashed as it came. */
  noteStored(sha256: string, checksums: Checksums): void {
    this.#seen.delete(sha256);
    if (hasChecksums(checksums.sizeBytes)) this.#records.saveChecksums(sha256, checksums);
    this.#records.noteIntact(sha256);
  }

  forget(digests: readonly string[]): void {
    for (const sha256 of digests) this.#seen.delete(sha256);
    this.#records.forget(digests);
  }

  async #readThrough(sha256: string, pace: (bytes: number) => Promise<void>): Promise<Checksums> {
    const path = this.#pathOf(sha256);
    const hash = createHash("sha256");
    const taker = new ChecksumTaker();
    let state: string | null = null;
    try {
      state = await fileState(path);
      await readPieces(path, pace, (piece) => {
        hash.update(piece);
        taker.update(piece);
      });
    } catch (error) {
      const misplaced = misplacedReason(error);
      if (misplaced !== null) throw this.#damaged(sha256, misplaced, state);
      // It is listed until it can be read, and nobody takes it for lost: the next reading may succeed.
      const reason = unreadableReason(error);
      if (reason !== null) this.#records.noteDamage(sha256, reason);
      throw fromDevice(sha256, error);
    }
    const actual = hash.digest("hex");
    if (actual !== sha256) throw this.#damaged(sha256, `its SHA-256 is ${actual}`, state);
    this.#remember(sha256, { state, atMs: performance.now(), damage: null });
    const checksums = taker.end();
    const known = this.#records.findChecksums(sha256);
    if (hasChecksums(checksums.sizeBytes) && known?.pieces.equals(checksums.pieces) !== true)
      this.#records.saveChecksums(sha256, checksums);
    this.#records.noteIntact(sha256);
    return checksums;
  }

  #damaged(sha256: string, found: string, state: string | null): JobctlError {
    const damage = new JobctlError(
      "blob_damaged",
      `the stored file ${sha256} has changed: ${found}`,
      {
        hint: `Check the disk, and put the file back: jobctl restore BACKUP/latest --data DIR --blob ${sha256}.`,
        details: { sha256, found },
      },
    );
    if (state !== null) this.#remember(sha256, { state, atMs: performance.now(), damage });
    this.#records.noteDamage(sha256, found);
    return damage;
  }

  #remember(sha256: string, seen: Seen): void {
    this.#seen.delete(sha256);
    this.#seen.set(sha256, seen);
    if (this.#seen.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#seen.keys();
    if (oldest !== undefined) this.#seen.delete(oldest);
  }
}

async function readPieces(
  path: string,
  pace: (bytes: number) => Promise<void>,
  use: (piece: Buffer) => void,
): Promise<void> {
  const file = await openBlobFile(path);
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    let left = (await file.stat()).size;
    for (;;) {
      if (left > 0) await pace(Math.min(READ_BYTES, left));
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES);
      if (bytesRead === 0) return;
      left -= bytesRead;
      use(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}
