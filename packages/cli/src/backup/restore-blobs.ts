import { createHash, randomUUID } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import { openRegularFile } from "@jobctl/archive";
import { requirePlainPath, syncDirectory } from "@jobctl/daemon/files";
import { JobctlError } from "@jobctl/protocol/error";

import type { BlobRef } from "./formats.js";
import { giveTo, type Owner } from "./ownership.js";
import { digestOf } from "./repository.js";
import { findSnapshot } from "./restore.js";

export interface RestoreBlobsOptions {
  readonly digests: readonly string[];
  /** Only compares the files of the backup with their digests. */
  readonly dryRun: boolean;
}

/**
 * Puts single blobs of a backup back into a data directory, each in one step, also beside a running server:
 * a copy in the directory for temporary files is compared with its digest, synced and renamed. Their owner is
 * that of the other blobs.
 *
 * @param snapshotPath a snapshot's directory, or `latest`; blobs are shared by all snapshots of a backup
 * @throws JobctlError `usage` for what is no digest, `backup_not_found` for what is not in the backup,
 *   `backup_damaged`, `file_not_found` when there is no data directory; those before a blob stay restored
 */
export async function restoreBlobs(
  snapshotPath: string,
  dataPath: string,
  { digests, dryRun }: RestoreBlobsOptions,
): Promise<BlobRef[]> {
  for (const digest of digests) requireDigest(digest);
  const target = requirePlainPath("--data", dataPath);
  const { source } = await findSnapshot(snapshotPath);
  const owner = await ownerOfBlobs(target);
  const restored: BlobRef[] = [];
  for (const sha256 of new Set(digests)) {
    const from = source.blobPath(sha256);
    const found = await stat(from).catch(() => null);
    if (found === null) {
      throw new JobctlError("backup_not_found", `the backup ${source.path} has no file ${sha256}`, {
        hint: `Look for it in another backup: ${from.slice(source.path.length + 1)}.`,
      });
    }
    if (dryRun) requireIntact(from, sha256, await digestOf(from));
    else await putBack(from, target, sha256, owner);
    restored.push({ sha256, sizeBytes: found.size });
  }
  return restored;
}

function requireDigest(digest: string): void {
  if (/^[0-9a-f]{64}$/.test(digest)) return;
  throw new JobctlError("usage", `--blob ${JSON.stringify(digest)} is no SHA-256`, {
    hint: "Give the 64 hexadecimal digits that jobctl doctor shows.",
  });
}

async function ownerOfBlobs(target: string): Promise<Owner> {
  const found = await stat(join(target, "blobs/sha256")).catch(() => null);
  if (found?.isDirectory() === true) return found;
  throw new JobctlError("file_not_found", `${target} is no data directory of a server`, {
    hint: "Give the server's JOBCTL_DATA_PATH: the directory with blobs/sha256 in it.",
  });
}

function requireIntact(path: string, sha256: string, actual: string): void {
  if (actual === sha256) return;
  throw new JobctlError("backup_damaged", `${path} is damaged: its SHA-256 is ${actual}`, {
    hint: "Nothing was replaced. Look for the file in another backup.",
    details: { sha256, actual },
  });
}

async function putBack(from: string, target: string, sha256: string, owner: Owner): Promise<void> {
  const temporary = join(target, "tmp", randomUUID());
  const place = join(target, "blobs/sha256", sha256.slice(0, 2), sha256);
  for (const directory of [dirname(temporary), dirname(place)]) await makeFor(owner, directory);
  try {
    requireIntact(from, sha256, await copyTo(temporary, from, owner));
    await rename(temporary, place);
  } finally {
    await rm(temporary, { force: true });
  }
  syncDirectory(dirname(place));
  syncDirectory(dirname(dirname(place)));
}

/** Makes a directory where there is none. */
async function makeFor(owner: Owner, path: string): Promise<void> {
  if ((await mkdir(path, { recursive: true, mode: 0o700 })) === undefined) return;
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  const directory = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  await giveTo(owner, directory).finally(() => directory.close());
}

/** @returns the SHA-256 of what was copied, which is on the disk then */
async function copyTo(path: string, from: string, owner: Owner): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path, "wx", 0o600);
  try {
    const source = createReadStream("", { fd: openRegularFile(from), highWaterMark: 1024 * 1024 });
    for await (const chunk of source) {
      hash.update(chunk as Buffer);
      await file.writeFile(chunk as Buffer);
    }
    await giveTo(owner, file);
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}
