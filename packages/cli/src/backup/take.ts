import { mkdir, readdir, rename, rm, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { replaceFile, syncDirectory, writeStream } from "@jobctl/daemon/files";
import type { BackupManifest, BackupSession, BlobUsers } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";

import type { ApiClient } from "../api-client.js";
import { inParallel } from "../in-parallel.js";
import { firstLine, invalidAnswer, parseSession, readBlobList, type BlobRef } from "./formats.js";
import { digestOf, type BackupDirectory, type DamagedRef } from "./repository.js";

/** Blobs that are fetched at the same time: many are small, and each is synced. */
const AT_ONCE = 8;
const DAY_MS = 86_400_000;
/** Transfers of one blob that are cut before the backup has failed. */
const MAX_CUTS = 2;
/** What the server says of a blob that it cannot give. */
const DAMAGE_CODES: ReadonlySet<string> = new Set(["blob_damaged", "blob_missing"]);

export interface BackupOptions {
  readonly client: ApiClient;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

export interface TakenBackup {
  readonly manifest: BackupManifest;
  readonly copied: { readonly blobs: number; readonly sizeBytes: number };
  /** What the server could not give because it is damaged there, or gone. */
  readonly damaged: readonly DamagedRef[];
}

/**
 * Copies a server's data: a snapshot of its database, and those of its blobs that are not there yet. When
 * it is broken off, the blobs that have arrived stay, and the next run goes on from there.
 */
export async function takeBackup(
  target: BackupDirectory,
  options: BackupOptions,
): Promise<TakenBackup> {
  const { client, signal } = options;
  await removeUnfinished(target);
  const answer = await client.send("/v1/admin/backups", {
    method: "POST",
    signal,
    // The server reads the database through first.
    silenceMs: 0,
  });
  try {
    const session = parseSession(await firstLine(answer.body));
    const taken = await copySession(session, target, options);
    await client.send(`/v1/admin/backups/${session.id}/complete`, {
      method: "POST",
      query: { damaged: taken.damaged.length },
      signal,
    });
    return taken;
  } finally {
    // The server keeps the snapshot for as long as this connection is open.
    answer.body.destroy();
  }
}

async function copySession(
  session: BackupSession,
  target: BackupDirectory,
  options: BackupOptions,
): Promise<TakenBackup> {
  const { schema: _schema, id, ...facts } = session;
  const name = facts.createdAt.replaceAll(":", "-");
  const partial = target.snapshotPath(`.${name}`);
  await mkdir(partial, { recursive: true, mode: 0o700 });
  const database = join(partial, "jobctl.db");
  await fetchTo(database, `/v1/admin/backups/${id}/database`, facts.database, options);
  const list = join(partial, "blobs.ndjson");
  const { sizeBytes, sha256 } = await fetchTo(list, `/v1/admin/backups/${id}/blobs`, null, options);
  const { copied, damaged } = await copyBlobs(list, target, options);
  const manifest: BackupManifest = {
    schema: "jobctl.backup/v1",
    name,
    ...facts,
    blobList: { sizeBytes, sha256 },
    ...(damaged.length === 0 ? {} : { damaged }),
  };
  await replaceFile(join(partial, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  syncDirectory(partial);
  await rename(partial, target.snapshotPath(name));
  syncDirectory(join(target.path, "snapshots"));
  await target.setLatest(name);
  return { manifest, copied, damaged };
}

/**
 * Fetches what is missing, some at a time, and then makes the names durable. What is damaged on the
 * server is left out and told.
 */
async function copyBlobs(
  list: string,
  target: BackupDirectory,
  options: BackupOptions,
): Promise<{ copied: TakenBackup["copied"]; damaged: DamagedRef[] }> {
  const copied = { blobs: 0, sizeBytes: 0 };
  const damaged: DamagedRef[] = [];
  const directories = new Set<string>();
  const blobs = readBlobList(list, (problem) => invalidAnswer(`its list of files: ${problem}`));
  await inParallel(blobs, AT_ONCE, async (blob) => {
    if (await target.hasBlob(blob)) return;
    const copy = await copyBlob(blob, target, options);
    if (typeof copy !== "string") {
      damaged.push({ ...blob, ...copy });
      return;
    }
    directories.add(copy);
    copied.blobs += 1;
    copied.sizeBytes += blob.sizeBytes;
  });
  for (const directory of directories) syncDirectory(directory);
  if (directories.size > 0) syncDirectory(join(target.path, "blobs/sha256"));
  return { copied, damaged };
}

/** @returns the directory of the copy; or what is wrong with the blob on the server */
async function copyBlob(
  blob: BlobRef,
  target: BackupDirectory,
  options: BackupOptions,
): Promise<string | Pick<DamagedRef, "found" | "jobs">> {
  const path = target.blobPath(blob.sha256);
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const partial = join(directory, `.${blob.sha256}`);
  await rm(partial, { force: true });
  const url = `/v1/admin/blobs/${blob.sha256}`;
  // One that is found to be damaged while it is sent is cut; when it is asked for again, that is said.
  for (let failures = 0; ; failures += 1) {
    try {
      await fetchTo(partial, url, blob, options);
      break;
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof JobctlError && DAMAGE_CODES.has(error.code)) {
        const { client, signal } = options;
        const { items } = await client.json<BlobUsers>(`${url}/jobs`, { signal });
        return { found: error.message, jobs: items };
      }
      if (failures === MAX_CUTS || isLocal(error)) throw error;
    }
  }
  await rename(partial, path);
  return directory;
}

/** Whether something is wrong here, and not with the transfer. */
function isLocal(error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return ["ENOSPC", "EDQUOT", "EACCES", "EROFS", "EIO", "EMFILE"].includes(code);
}

/** @throws JobctlError `digest_mismatch` when what arrives is not what was announced */
async function fetchTo(
  path: string,
  url: string,
  expected: BlobRef | null,
  { client, signal, onBytes }: BackupOptions,
): Promise<BlobRef> {
  const answer = await client.send(url, { signal });
  const written = await writeStream(path, answer.body as AsyncIterable<Buffer>, (chunk) =>
    onBytes(chunk.length),
  );
  if (expected === null || written.sha256 === expected.sha256) return written;
  await rm(path, { force: true });
  throw new JobctlError(
    "digest_mismatch",
    `${url} arrived with SHA-256 ${written.sha256} instead of ${expected.sha256}`,
    {
      hint: "The file is damaged on the server, or on the way. Try again; jobctl gc looks for gaps.",
    },
  );
}

/** What a run that was broken off has left; its blobs are of use, and stay. */
async function removeUnfinished(target: BackupDirectory): Promise<void> {
  await mkdir(join(target.path, "snapshots"), { recursive: true, mode: 0o700 });
  await mkdir(join(target.path, "blobs/sha256"), { recursive: true, mode: 0o700 });
  for (const name of await readdir(join(target.path, "snapshots")))
    if (name.startsWith("."))
      await rm(join(target.path, "snapshots", name), { recursive: true, force: true });
}

/**
 * Removes snapshots that are older, never the newest that is right or the newest that lacks nothing, and then the blobs that no snapshot
 * needs any more.
 *
 * @returns the names of the removed snapshots
 */
export async function prune(
  target: BackupDirectory,
  keepDays: number,
  now: number,
): Promise<string[]> {
  const names = await target.snapshots();
  const manifests = await Promise.all(
    names.map(async (name) => ({ name, manifest: await target.manifest(name).catch(() => null) })),
  );
  const newestGood = await newestRight(target, names);
  const newestWhole = await newestRight(
    target,
    manifests.flatMap(({ name, manifest }) => (manifest?.damaged === undefined ? name : [])),
  );
  const old = manifests.filter(
    ({ name, manifest }) =>
      name !== newestGood &&
      name !== newestWhole &&
      manifest !== null &&
      now - Date.parse(manifest.createdAt) > keepDays * DAY_MS,
  );
  if (newestGood === null || old.length === 0) return [];
  for (const { name } of old) {
    // Under another name first: a half removed snapshot is none.
    const gone = target.snapshotPath(`.${name}`);
    await rename(target.snapshotPath(name), gone);
    await rm(gone, { recursive: true, force: true });
  }
  const latest = await target.latest();
  if (latest === null || old.some(({ name }) => name === latest))
    await target.setLatest(newestGood);
  await removeUnneeded(target);
  return old.map(({ name }) => name);
}

/** By the files of the snapshot itself: reading every blob is what `backup verify` does. */
async function newestRight(
  target: BackupDirectory,
  names: readonly string[],
): Promise<string | null> {
  for (const name of names.toReversed()) {
    const manifest = await target.manifest(name).catch(() => null);
    if (manifest === null) continue;
    const actual = await digestOf(join(target.snapshotPath(name), "jobctl.db")).catch(() => null);
    if (actual === manifest.database.sha256) return name;
  }
  return null;
}

async function removeUnneeded(target: BackupDirectory): Promise<void> {
  const needed = new Set<string>();
  for (const name of await target.snapshots())
    for await (const { sha256 } of target.blobsOf(name)) needed.add(sha256);
  const root = join(target.path, "blobs/sha256");
  for (const prefix of await readdir(root)) {
    for (const name of await readdir(join(root, prefix)))
      if (!needed.has(name)) await unlink(join(root, prefix, name));
  }
}

/** A note for whoever finds the directory. */
export async function writeReadme(target: BackupDirectory): Promise<void> {
  const path = join(target.path, "README.txt");
  const text =
    "Backups of a jobctl server. Look at them with: jobctl backup list DIR, jobctl backup verify DIR.\n" +
    "Restore one with: jobctl restore DIR/latest --data DATA_DIRECTORY --take-over\n";
  await writeFile(path, text, { mode: 0o600, flag: "wx" }).catch(() => {});
}
