import { createHash } from "node:crypto";
import { closeSync, createReadStream, readSync } from "node:fs";
import { mkdir, open, readdir, readlink, rename, rm, stat, symlink } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

import { openRegularFile } from "@jobctl/archive";
import { syncDirectory } from "@jobctl/daemon/files";
import type { BackupManifest } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";

import { readBlobList, readManifest, type BlobRef } from "./formats.js";

const MAX_LOCK_BYTES = 512;

/** A blob that a snapshot lists and that the server could not give when it was taken. */
export type DamagedRef = NonNullable<BackupManifest["damaged"]>[number];

/** A file of a backup that is gone, or not what it was, with that as a sentence. */
export interface BrokenRef {
  readonly sha256: string;
  readonly found: string;
}

/** What is wrong with a snapshot. */
export interface SnapshotState {
  /** Of the database and the list of blobs, as sentences: without these nothing can be restored. */
  readonly problems: readonly string[];
  readonly damaged: readonly BrokenRef[];
  /** Blobs that were damaged when it was taken, and that no later backup brought. */
  readonly missing: readonly DamagedRef[];
}

/**
 * A directory with backups:
 *
 * ```
 * blobs/sha256/ab/abcdef...      shared by all snapshots, each file once
 * snapshots/NAME/                manifest.json, jobctl.db, blobs.ndjson
 * latest -> snapshots/NAME       the last that was completed
 * lock                           who is writing
 * ```
 *
 * A snapshot gets its name when everything of it, and every blob that it refers to, is on disk; before
 * that it is `snapshots/.NAME`.
 */
export class BackupDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  snapshotPath(name: string): string {
    return join(this.path, "snapshots", name);
  }

  blobPath(sha256: string): string {
    return join(this.path, "blobs/sha256", sha256.slice(0, 2), sha256);
  }

  async hasBlob({ sha256, sizeBytes }: BlobRef): Promise<boolean> {
    const found = await stat(this.blobPath(sha256)).catch(() => null);
    return found?.size === sizeBytes;
  }

  /** Names of the completed snapshots, the oldest first. @throws the system's error when they cannot be listed */
  async snapshots(): Promise<string[]> {
    const names = await readdir(join(this.path, "snapshots")).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    });
    return names.filter((name) => !name.startsWith(".")).toSorted();
  }

  /** Null when there is none yet. */
  async latest(): Promise<string | null> {
    const target = await readlink(join(this.path, "latest")).catch(() => null);
    return target?.split("/").at(-1) ?? null;
  }

  /** @throws JobctlError `backup_not_found`, `backup_damaged` */
  async manifest(name: string): Promise<BackupManifest> {
    const path = join(this.snapshotPath(name), "manifest.json");
    try {
      return readManifest(path);
    } catch (error) {
      if (error instanceof JobctlError) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT")
        throw new JobctlError("backup_damaged", `${path} cannot be read as a manifest: ${message}`);
      throw new JobctlError("backup_not_found", `${this.path} has no snapshot ${name}`, {
        hint: `jobctl backup list ${this.path} lists those that there are.`,
      });
    }
  }

  /** The blobs that a snapshot refers to. */
  blobsOf(name: string): AsyncGenerator<BlobRef> {
    const path = join(this.snapshotPath(name), "blobs.ndjson");
    return readBlobList(
      path,
      (problem) => new JobctlError("backup_damaged", `${path} is not a list of files: ${problem}`),
    );
  }

  /** Makes a snapshot the last one, in one step. */
  async setLatest(name: string): Promise<void> {
    const temporary = join(this.path, ".latest");
    await rm(temporary, { force: true });
    await symlink(join("snapshots", name), temporary);
    await rename(temporary, join(this.path, "latest"));
    syncDirectory(this.path);
  }

  /**
   * Does something that nobody else may do at the same time.
   *
   * @throws JobctlError `backup_running`
   */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    const lock = join(this.path, "lock");
    await takeLock(lock);
    try {
      return await work();
    } finally {
      await rm(lock, { force: true });
    }
  }

  /**
   * Compares every digest of a snapshot.
   *
   * @param known digests that have been found right before
   */
  async verify(name: string, known = new Set<string>()): Promise<SnapshotState> {
    const missing: DamagedRef[] = [];
    const damaged: BrokenRef[] = [];
    const manifest = await this.manifest(name);
    const directory = this.snapshotPath(name);
    const checks = await Promise.all([
      problemOf(join(directory, "jobctl.db"), manifest.database),
      problemOf(join(directory, "blobs.ndjson"), manifest.blobList),
    ]);
    const problems = checks.filter((problem) => problem !== null);
    if (problems.length > 0) return { problems, damaged, missing };
    const lost = new Map(manifest.damaged?.map((blob) => [blob.sha256, blob]));
    let count = 0;
    for await (const blob of this.blobsOf(name)) {
      count += 1;
      const { sha256 } = blob;
      if (known.has(sha256)) continue;
      const lacked = lost.get(sha256);
      if (lacked !== undefined && !(await this.hasBlob(blob))) {
        missing.push(lacked);
        continue;
      }
      const found = await problemOf(this.blobPath(sha256), blob);
      if (found === null) known.add(sha256);
      else damaged.push({ sha256, found });
    }
    if (count !== manifest.blobs.count)
      problems.push(`${directory} lists ${count} blobs instead of ${manifest.blobs.count}`);
    return { problems, damaged, missing };
  }
}

/** What is wrong with a file, as a sentence; null when it is what it should be. */
async function problemOf(file: string, expected: BlobRef): Promise<string | null> {
  const found = await stat(file).catch(() => null);
  if (found === null) return `${file} is missing`;
  if (!found.isFile()) return `${file} is not a regular file`;
  if (found.size !== expected.sizeBytes)
    return `${file} has ${found.size} bytes instead of ${expected.sizeBytes}`;
  try {
    return (await digestOf(file)) === expected.sha256
      ? null
      : `${file} does not have the SHA-256 ${expected.sha256}`;
  } catch (error) {
    return `${file} cannot be read: ${(error as Error).message}`;
  }
}

/** @throws the system's error; for what is not a regular file, too */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  const fd = openRegularFile(path);
  for await (const chunk of createReadStream("", { fd, highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** A file with the process that has it: one that is not alive any more has lost it. */
async function takeLock(path: string): Promise<void> {
  for (;;) {
    try {
      return await writeLock(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const [pid = "", host = ""] = lockHolder(path);
    if (host === hostname() && !isAlive(Number(pid))) await rm(path, { force: true });
    else {
      throw new JobctlError(
        "backup_running",
        `process ${pid} on ${host} is writing to this backup`,
        {
          hint: `Wait for it to end. If there is no such process, remove ${path}.`,
        },
      );
    }
  }
}

/** On a full disk nothing is left: an empty lock would say of nobody that he has it. */
async function writeLock(path: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(`${process.pid} ${hostname()}\n`);
    await file.close();
  } catch (error) {
    await rm(path, { force: true });
    await file.close().catch(() => {});
    throw error;
  }
}

/** Process and host, as far as the lock says. */
function lockHolder(path: string): string[] {
  try {
    const descriptor = openRegularFile(path);
    const content = Buffer.alloc(MAX_LOCK_BYTES);
    const sizeBytes = readSync(descriptor, content);
    closeSync(descriptor);
    return content.subarray(0, sizeBytes).toString("utf8").trim().split(" ");
  } catch {
    return [];
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
