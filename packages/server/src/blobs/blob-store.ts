import { createHash, randomUUID } from "node:crypto";
import { createReadStream, mkdirSync, renameSync, rmSync, statSync, statfsSync } from "node:fs";
import { readdir, rm, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";

import { syncDirectory, writeStream, type WrittenFile } from "@jobctl/daemon";
import { JobctlError } from "@jobctl/protocol";

const READ_BYTES = 1024 * 1024;

/** A file that has been written and synced, and is not a blob yet. */
export interface StagedBlob {
  /** Where it lies until it is committed or discarded. */
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /**
   * Gives it its final name, durably. Synchronous, so that a transaction can be committed in the
   * same turn of the event loop and nothing comes between the file and its row.
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

/**
 * Immutable files named by their SHA-256, below `blobs/sha256/ab/abcdef...`. What is being written
 * lies in `tmp/` until it is complete.
 */
export class BlobStore {
  readonly #root: string;
  readonly #temporary: string;
  readonly #minFreeBytes: number;
  #stored: { count: number; sizeBytes: number } | null = null;
  /** What each blob's file was like when its content was seen to be right. */
  readonly #verified = new Map<string, string>();
  /** Blobs that are being read through; however many ask for one, it is read once. */
  readonly #verifying = new Map<string, Promise<string>>();

  constructor(dataPath: string, minFreeBytes: number) {
    this.#root = join(dataPath, "blobs", "sha256");
    this.#temporary = join(dataPath, "tmp");
    this.#minFreeBytes = minFreeBytes;
    // What a server that died was writing belongs to nobody: only one server has this directory.
    rmSync(this.#temporary, { recursive: true, force: true });
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    mkdirSync(this.#temporary, { recursive: true, mode: 0o700 });
  }

  /** Where files lie that are being written. */
  get temporary(): string {
    return this.#temporary;
  }

  pathOf(digest: string): string {
    return join(this.#root, digest.slice(0, 2), digest);
  }

  has(digest: string): boolean {
    return statSync(this.pathOf(digest), { throwIfNoEntry: false }) !== undefined;
  }

  /**
   * Where a blob lies, once it is certain that it is what it was: whoever reads it gets these bytes. Each
   * is read through once after a start of the server, and again when the file has changed.
   *
   * @throws JobctlError `blob_damaged`
   */
  async verified(digest: string): Promise<string> {
    const underWay = this.#verifying.get(digest);
    if (underWay !== undefined) return underWay;
    const verifying = this.#verify(digest);
    this.#verifying.set(digest, verifying);
    try {
      return await verifying;
    } finally {
      this.#verifying.delete(digest);
    }
  }

  async #verify(digest: string): Promise<string> {
    const path = this.pathOf(digest);
    const state = await fileState(path);
    if (this.#verified.get(digest) === state) return path;
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES }))
      hash.update(chunk as Buffer);
    const actual = hash.digest("hex");
    if (actual !== digest) {
      throw new JobctlError(
        "blob_damaged",
        `the stored file ${digest} has changed: its SHA-256 is ${actual}`,
        {
          hint: "It cannot be used any more. Check the disk, and restore the file from a backup.",
          details: { sha256: digest, actual },
        },
      );
    }
    this.#verified.set(digest, state);
    return path;
  }

  /** Whether a blob is there and what it was. */
  async isIntact(digest: string): Promise<boolean> {
    return (
      this.has(digest) &&
      this.verified(digest).then(
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
    let written: WrittenFile;
    try {
      written = await writeStream(path, source, (chunk, sizeBytes) => {
        if (sizeBytes > options.maxBytes) throw options.tooLarge(sizeBytes);
        return options.observe?.(chunk);
      });
    } catch (error) {
      throw fromFileSystem(error);
    }
    const { sha256, sizeBytes } = written;
    return {
      path,
      sha256,
      sizeBytes,
      commit: () => this.#adopt(path, sha256),
      discard: () => rm(path, { force: true }),
    };
  }

  /** Removes a blob that nothing refers to; at once, so that nothing can come to refer to it meanwhile. */
  remove(digest: string): void {
    const path = this.pathOf(digest);
    const { size } = statSync(path, { throwIfNoEntry: false }) ?? { size: 0 };
    rmSync(path, { force: true });
    this.#count(-1, -size);
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

  /** Every blob that is stored. */
  async *list(): AsyncGenerator<{ readonly sha256: string; readonly sizeBytes: number }> {
    for (const prefix of await readdir(this.#root)) {
      for (const sha256 of await readdir(join(this.#root, prefix))) {
        const found = await stat(this.pathOf(sha256)).catch(() => null);
        if (found !== null) yield { sha256, sizeBytes: found.size };
      }
    }
  }

  /** What has not been written to for a while is not being written any more. */
  async removeOldTemporaryFiles(
    ageMs: number,
    dryRun: boolean,
  ): Promise<{ count: number; sizeBytes: number }> {
    const removed = { count: 0, sizeBytes: 0 };
    for (const name of await readdir(this.#temporary)) {
      const path = join(this.#temporary, name);
      const found = await stat(path).catch(() => null);
      if (found === null || Date.now() - found.mtimeMs < ageMs) continue;
      removed.count += 1;
      removed.sizeBytes += found.size;
      if (!dryRun) await rm(path, { force: true });
    }
    return removed;
  }

  /** @throws JobctlError `storage_full` when so many more bytes would use up the reserve */
  async checkFreeSpace(moreBytes: number): Promise<void> {
    const freeBytes = await this.freeBytes();
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

  #adopt(path: string, digest: string): void {
    const target = this.pathOf(digest);
    const directory = dirname(target);
    const isNew = mkdirSync(directory, { recursive: true, mode: 0o700 }) !== undefined;
    const isKnown = this.has(digest);
    renameSync(path, target);
    const { size, mtimeMs, ino } = statSync(target);
    this.#verified.set(digest, `${size} ${mtimeMs} ${ino}`);
    syncDirectory(directory);
    if (isNew) syncDirectory(this.#root);
    if (!isKnown) this.#count(1, size);
  }

  #count(count: number, sizeBytes: number): void {
    if (this.#stored === null) return;
    this.#stored.count += count;
    this.#stored.sizeBytes += sizeBytes;
  }
}

async function fileState(path: string): Promise<string> {
  const { size, mtimeMs, ino } = await stat(path);
  return `${size} ${mtimeMs} ${ino}`;
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
