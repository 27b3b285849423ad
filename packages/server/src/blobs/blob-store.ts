import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, statfsSync } from "node:fs";
import { readdir, rm, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";

import {
  freeSpaceOf,
  lacksInodes,
  syncDirectory,
  wallClock,
  writeStream,
  type WrittenFile,
} from "@jobctl/daemon";
import { JobctlError } from "@jobctl/protocol";

import { fileState, isMisplaced, openBlobFile } from "./blob-file.js";
import { NO_RECORDS, type BlobRecords } from "./blob-records.js";
import { BlobVerifier, type ReadThrough } from "./blob-verifier.js";
import { ChecksumTaker, type Checksums } from "./checksums.js";
import { StoredBlob } from "./stored-blob.js";
import { fromDevice, isUnreadableEntry, misplacedReason, unreadableReason } from "./unreadable.js";

/** A file that has been written and synced, and is not a blob yet. */
export interface StagedBlob {
  /** Where it lies until it is committed or discarded. */
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /**
   * Gives it its final name, durably. Synchronous, so that a transaction can be committed in the same turn of
   * the event loop and nothing comes between the file and its row.
   *
   * @throws JobctlError `overloaded` when the volume of the blobs is away
   */
  commit(): void;
  discard(): Promise<void>;
}

export interface StageOptions {
  /** Called with each piece before it is written; what it throws ends the staging. */
  readonly observe?: (chunk: Buffer) => Promise<void> | void;
  readonly maxBytes: number;
  /** The error for one byte too many, given what has arrived so far. */
  readonly tooLarge: (receivedBytes: number) => JobctlError;
}

export type UnreadableListener = (path: string, error: unknown) => void;

/**
 * Immutable files named by their SHA-256, below `blobs/sha256/ab/abcdef...`. What is being written
 * lies in `tmp/` until it is complete.
 */
export class BlobStore {
  readonly #root: string;
  readonly #temporary: string;
  readonly #minFreeBytes: number;
  /** Whether there have been blobs: nothing is stored where their volume was. */
  #hasHeld: boolean;
  #stored: { count: number; sizeBytes: number } | null = null;
  readonly #verifier: BlobVerifier;
  /** Temporary files that are being written, or wait to become blobs. */
  readonly #staged = new Set<string>();

  constructor(dataPath: string, minFreeBytes: number, records: BlobRecords = NO_RECORDS) {
    this.#root = join(dataPath, "blobs", "sha256");
    this.#temporary = join(dataPath, "tmp");
    this.#minFreeBytes = minFreeBytes;
    this.#verifier = new BlobVerifier((digest) => this.pathOf(digest), records);
    // What a server that died was writing belongs to nobody: only one server has this directory.
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    mkdirSync(this.#temporary, { recursive: true, mode: 0o700 });
    this.#hasHeld = this.#isThere();
    // The directory itself stays: on a full volume it could not be made again.
    for (const name of readdirSync(this.#temporary))
      rmSync(join(this.#temporary, name), { recursive: true, force: true });
  }

  /** Where files lie that are being written. */
  get temporary(): string {
    return this.#temporary;
  }

  pathOf(digest: string): string {
    return join(this.#root, digest.slice(0, 2), digest);
  }

  /** Whether something is in its place; what cannot be looked at counts as stored. */
  has(digest: string): boolean {
    try {
      return statSync(this.pathOf(digest), { throwIfNoEntry: false }) !== undefined;
    } catch (error) {
      if (unreadableReason(error) === null && misplacedReason(error) === null) throw error;
      return true;
    }
  }

  /** Whether something else than a file is in its place. */
  isMisplaced(digest: string): boolean {
    return isMisplaced(this.pathOf(digest));
  }

  /**
   * Opens a blob for reading; what is read of it is checked.
   *
   * @throws JobctlError `blob_damaged`, `blob_missing`, `file_system` when the machine does not give it; the
   *   file system's error when it cannot be opened
   */
  async open(digest: string): Promise<StoredBlob> {
    const file = await openBlobFile(this.pathOf(digest)).catch(async (error: unknown) => {
      // It is noted where everybody sees it.
      if (unreadableReason(error) !== null || misplacedReason(error) !== null)
        await this.readThrough(digest);
      return this.#explain(digest, error);
    });
    try {
      const { size: sizeBytes } = await file.stat();
      const checksums = await this.#verifier.checksumsOf(digest, sizeBytes);
      const reverify = (): Promise<Checksums> => this.#verifier.recheck(digest);
      return new StoredBlob({ file, sha256: digest, sizeBytes, checksums, reverify });
    } catch (error) {
      await file.close();
      this.#explain(digest, error);
    }
  }

  /** Opens a blob for as long as the function takes. */
  async withBlob<T>(digest: string, use: (blob: StoredBlob) => Promise<T>): Promise<T> {
    const blob = await this.open(digest);
    try {
      return await use(blob);
    } finally {
      await blob.close();
    }
  }

  /**
   * A whole blob as a stream that ends early, with the error, where it is not what it was.
   *
   * @throws JobctlError `blob_damaged`, `blob_missing`
   */
  async *content(digest: string): AsyncGenerator<Buffer> {
    const blob = await this.open(digest);
    try {
      yield* blob.stream();
    } finally {
      await blob.close();
    }
  }

  /**
   * Reads a blob through, whatever is remembered of it.
   *
   * @throws JobctlError `blob_damaged`, `blob_missing`, `file_system` when the machine does not give it; the
   *   file system's error when it cannot be opened
   */
  async readThrough(digest: string, options?: ReadThrough): Promise<void> {
    await this.#verifier
      .readThrough(digest, options)
      .catch((error: unknown) => this.#explain(digest, error));
  }

  /** An empty directory is what a volume leaves that is not mounted. */
  #isThere(): boolean {
    try {
      return readdirSync(this.#root).length > 0;
    } catch {
      return false;
    }
  }

  /**
   * To be called where there should be blobs, before one is taken for missing.
   *
   * @throws JobctlError `file_system` when there are none at all: their volume is away
   */
  requireVolume(cause?: unknown): void {
    if (this.#isThere()) return;
    throw new JobctlError("file_system", `there are no stored files in ${this.#root}`, {
      hint: "Check that the volume of the data folder is mounted.",
      cause,
    });
  }

  /** A blob is missing only where others could be; otherwise its volume is away. */
  #explain(digest: string, error: unknown): never {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT") throw fromDevice(digest, error);
    this.requireVolume(error);
    throw new JobctlError("blob_missing", `the stored file ${digest} is missing`, {
      hint: `Check the disk, and put the file back: jobctl restore BACKUP/latest --data DIR --blob ${digest}.`,
      details: { sha256: digest },
      cause: error,
    });
  }

  /** Tells one file of a blob from another; null where there is none, or where it cannot be looked at. */
  async stateOf(digest: string): Promise<string | null> {
    return fileState(this.pathOf(digest)).catch(() => null);
  }

  /** Whether a blob is there and what it was, as far as has been seen within the last minute. */
  async isIntact(digest: string): Promise<boolean> {
    return (
      this.has(digest) &&
      this.#verifier.check(digest).then(
        () => true,
        () => false,
      )
    );
  }

  /**
   * Writes a stream to disk and syncs it. When it throws, nothing is left of it.
   *
   * @throws JobctlError `storage_full`, what `tooLarge` returns, or what the source throws
   */
  async stage(source: AsyncIterable<Buffer>, options: StageOptions): Promise<StagedBlob> {
    await this.checkFreeSpace(0);
    const path = join(this.#temporary, randomUUID());
    const taker = new ChecksumTaker();
    this.#staged.add(path);
    let written: WrittenFile;
    try {
      written = await writeStream(path, source, (chunk, sizeBytes) => {
        if (sizeBytes > options.maxBytes) throw options.tooLarge(sizeBytes);
        taker.update(chunk);
        return options.observe?.(chunk);
      });
    } catch (error) {
      this.#staged.delete(path);
      throw fromFileSystem(error);
    }
    const { sha256, sizeBytes } = written;
    const checksums = taker.end();
    return {
      path,
      sha256,
      sizeBytes,
      commit: () => {
        this.#adopt(path, sha256, checksums);
        this.#staged.delete(path);
      },
      discard: () => {
        this.#staged.delete(path);
        return rm(path, { force: true });
      },
    };
  }

  /** Removes blobs that nothing refers to; at once, so that nothing can come to refer to them meanwhile. */
  remove(digests: readonly string[]): void {
    const removed: string[] = [];
    try {
      for (const digest of digests) {
        const path = this.pathOf(digest);
        const { size } = statSync(path, { throwIfNoEntry: false }) ?? { size: 0 };
        rmSync(path, { force: true });
        removed.push(digest);
        this.#count(-1, -size);
      }
    } finally {
      if (removed.length > 0) this.#verifier.forget(removed);
    }
  }

  /** How much is stored, counted as it changes; null until it has been measured. */
  get stored(): { readonly count: number; readonly sizeBytes: number } | null {
    return this.#stored;
  }

  /** Counts on from what somebody has found who looked at every blob. */
  noteStored(sum: { readonly count: number; readonly sizeBytes: number }): void {
    this.#stored = { ...sum };
  }

  /** Looks at every blob. */
  async measure(): Promise<void> {
    const sum = { count: 0, sizeBytes: 0 };
    for await (const { sizeBytes } of this.list()) {
      sum.count += 1;
      sum.sizeBytes += sizeBytes;
    }
    this.noteStored(sum);
  }

  /** Every blob that is stored, and whatever lies in the place of one, except directories. @param onUnreadable told of directories that cannot be listed */
  async *list(
    onUnreadable?: UnreadableListener,
  ): AsyncGenerator<{ readonly sha256: string; readonly sizeBytes: number }> {
    for (const prefix of await readdir(this.#root)) {
      for (const sha256 of await this.#namesIn(prefix, onUnreadable)) {
        const found = await stat(this.pathOf(sha256)).catch(() => null);
        if (found?.isDirectory() === false) yield { sha256, sizeBytes: found.size };
      }
    }
  }

  /**
   * The names of the blobs that come after this one, in order; all of them after the empty text.
   *
   * @param onUnreadable told of directories that cannot be listed
   */
  async *digestsAfter(after: string, onUnreadable?: UnreadableListener): AsyncGenerator<string> {
    for (const prefix of (await readdir(this.#root)).toSorted()) {
      if (prefix < after.slice(0, prefix.length)) continue;
      for (const digest of (await this.#namesIn(prefix, onUnreadable)).toSorted())
        if (digest > after) yield digest;
    }
  }

  /** Nothing where there is something else than a directory of blobs. */
  async #namesIn(prefix: string, onUnreadable: UnreadableListener = () => {}): Promise<string[]> {
    const path = join(this.#root, prefix);
    return readdir(path).catch((error: unknown) => {
      if (!isUnreadableEntry(error)) throw error;
      onUnreadable(path, error);
      return [];
    });
  }

  /**
   * Removes what nobody writes. What is younger than this age stays as well; the clock may have been set, so
   * a file of the future is as old as it is far away.
   */
  async removeOldTemporaryFiles(
    ageMs: number,
    dryRun: boolean,
  ): Promise<{ count: number; sizeBytes: number }> {
    const removed = { count: 0, sizeBytes: 0 };
    for (const name of await readdir(this.#temporary)) {
      const path = join(this.#temporary, name);
      if (this.#staged.has(path)) continue;
      const found = await stat(path).catch(() => null);
      if (found === null || Math.abs(wallClock() - found.mtimeMs) < ageMs) continue;
      removed.count += 1;
      removed.sizeBytes += found.size;
      if (!dryRun) await rm(path, { force: true });
    }
    return removed;
  }

  /** @throws JobctlError `storage_full` when so many more bytes would use up the reserve */
  async checkFreeSpace(moreBytes: number): Promise<void> {
    const space = await freeSpaceOf(this.#temporary);
    const { freeBytes, freeInodes, reservedInodes } = space;
    if (lacksInodes(space)) throw inodesShort(freeInodes ?? 0, reservedInodes);
    if (freeBytes - moreBytes >= this.#minFreeBytes) return;
    throw storageFull(freeBytes, this.#minFreeBytes);
  }

  freeBytesSync(): number {
    const { bavail, bsize } = statfsSync(this.#temporary);
    return bavail * bsize;
  }

  /** With less free space than this nothing is accepted. */
  get reserveBytes(): number {
    return this.#minFreeBytes;
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#temporary);
    return bavail * bsize;
  }

  #adopt(path: string, digest: string, checksums: Checksums): void {
    if (this.#hasHeld && !this.#isThere()) throw volumeAway(this.#root);
    const target = this.pathOf(digest);
    const directory = dirname(target);
    const isKnown = this.has(digest);
    const isNew = moveInto(directory, path, target);
    syncDirectory(directory);
    if (isNew) syncDirectory(this.#root);
    this.#hasHeld = true;
    this.#verifier.noteStored(digest, checksums);
    if (!isKnown) this.#count(1, checksums.sizeBytes);
  }

  #count(count: number, sizeBytes: number): void {
    if (this.#stored === null) return;
    this.#stored.count += count;
    this.#stored.sizeBytes += sizeBytes;
  }
}

/** @returns whether the directory had to be made */
function moveInto(directory: string, path: string, target: string): boolean {
  try {
    const isNew = mkdirSync(directory, { recursive: true, mode: 0o700 }) !== undefined;
    renameSync(path, target);
    return isNew;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["EEXIST", "EISDIR", "ENOTDIR", "ELOOP"].includes(code)) throw error;
    throw new JobctlError(
      "file_system",
      `something else lies in the place of ${target} (${code})`,
      {
        hint: "Nothing was stored. On the server's machine, move away what is not a directory of files or a file there.",
        cause: error,
      },
    );
  }
}

function volumeAway(root: string): JobctlError {
  return new JobctlError("overloaded", `the stored files in ${root} are away`, {
    hint: "Nothing was stored. Check that the volume of the data folder is mounted, then try again.",
    retryAfterSeconds: 5,
  });
}

function fromFileSystem(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EMFILE" || code === "ENFILE") {
    return new JobctlError("overloaded", "the server has no file descriptor left", {
      hint: "Nothing was stored. Try again in a moment; the operator can raise the limit (ulimit -n).",
      cause: error,
      retryAfterSeconds: 2,
    });
  }
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new JobctlError("storage_full", "the server's data volume is full", {
    hint: "Nothing was stored. Ask the operator to free space, then submit again.",
    cause: error,
    retryAfterSeconds: 60,
  });
}

function inodesShort(freeInodes: number, reservedInodes: number): JobctlError {
  return new JobctlError(
    "storage_full",
    `the server's data volume has ${freeInodes} inodes left, and keeps ${reservedInodes} in reserve: it can hold no more files`,
    {
      hint: "Nothing was stored. Ask the operator to remove files there, then submit again.",
      details: { freeInodes, reservedInodes },
      retryAfterSeconds: 60,
    },
  );
}

function storageFull(freeBytes: number, reserveBytes: number): JobctlError {
  return new JobctlError(
    "storage_full",
    `the server's data volume has ${freeBytes} bytes left, and keeps ${reserveBytes} bytes in reserve`,
    {
      hint: "Nothing was stored. Ask the operator to free space, then submit again.",
      details: { freeBytes, reserveBytes },
      retryAfterSeconds: 60,
    },
  );
}
