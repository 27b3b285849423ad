import { basename } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";

import type { Logger } from "@jobctl/daemon";
import { JobctlError, type GcReport } from "@jobctl/protocol";

import type { BlobStore } from "../blobs/blob-store.js";
import { isUnreadableEntry } from "../blobs/unreadable.js";
import { noteLastJobId, refuseOlderDatabase, type DataPaths } from "../store/data-folder.js";
import { refuseAfterLoss, type JobIds } from "../store/job-ids.js";
import type { Store } from "../store/store.js";
import type { BlobWatch } from "./blob-watch.js";
import { requirePlausibleGarbage } from "./gc-guard.js";

/** What is younger may belong to a request that is under way. */
const YOUNGEST_MS = 60 * 60 * 1000;

export interface GcParts {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly watch: BlobWatch;
  readonly paths: DataPaths;
  readonly logger: Logger;
  readonly ids: Pick<JobIds, "lost" | "giveUpLost">;
  /** Whether somebody is copying what is stored: then nothing is removed. */
  readonly isCopied: () => boolean;
}

export interface GcOptions {
  /** Removes nothing. */
  readonly dryRun: boolean;
  /** Whether to remove blobs also when there are more of them than removed jobs can have left. */
  readonly force: boolean;
  /** Reads every blob through first, until the signal is raised. */
  readonly verify?: boolean;
  readonly signal?: AbortSignal;
}

/** Jobs that are looked at in one go: some milliseconds, between which requests are served. */
const JOBS_AT_ONCE = 500;
/** Blobs that are removed in one go, with one transaction. */
const REMOVED_AT_ONCE = 200;

type FileSum = GcReport["blobs"];

interface FoundBlob {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/**
 * Removes what belongs to no job: blobs without a row, and files that nobody writes any more. A row
 * without its blob, and a blob that is damaged, are reported and never hidden.
 *
 * @throws AbortError when the signal is raised while blobs are read through
 * @throws JobctlError `data_mismatch` when what is to be removed is more than can be garbage, or when the
 *   database is an old one; `database_unavailable`, `database_damaged` when it cannot be believed;
 *   `file_system` when the volume of the blobs is away
 */
export async function collectGarbage(
  parts: GcParts,
  { dryRun, force, verify = false, signal }: GcOptions,
): Promise<GcReport> {
  const { store, blobs, watch, logger } = parts;
  if (store.jobs.hasStoredFiles()) blobs.requireVolume();
  if (!dryRun) {
    store.checkWritable();
    refuseOlderDatabase(parts.paths, store.jobs.lastId());
    if (!force) {
      refuseAfterLoss(parts.ids.lost);
      await requirePlausibleGarbage(store, blobs);
    }
  }
  const verified = verify ? await readAllThrough(parts, signal) : null;
  const { unused, copied } = await removeUnused(parts, dryRun);
  const isCopied = !dryRun && parts.isCopied();
  const old = await blobs.removeOldTemporaryFiles(YOUNGEST_MS, dryRun || isCopied);
  const temporaryFiles = isCopied ? noFiles() : old;
  if (isCopied) addAll(copied, old);
  if (!dryRun) {
    forgetGone(parts);
    if (force) parts.ids.giveUpLost();
    await noteProgress(parts);
  }
  const missing = await findMissing(parts);
  for (const gap of missing) {
    logger.error({ event: "blob_missing", ...gap });
    watch.noteMissing(gap.sha256);
  }
  if (unused.count + temporaryFiles.count > 0)
    logger.info({ event: "garbage_collected", dryRun, blobs: unused, temporaryFiles });
  const { present: damaged } = watch;
  const removal = { blobs: unused, temporaryFiles, keptForBackup: copied };
  return { schema: "jobctl.gc/v1", dryRun, ...removal, missing, verified, damaged };
}

/** @returns what has been removed, or would be, and what stays because it is copied */
async function removeUnused(
  parts: GcParts,
  dryRun: boolean,
): Promise<{ readonly unused: FileSum; readonly copied: FileSum }> {
  const { store, blobs, logger } = parts;
  const [unused, copied, kept] = [noFiles(), noFiles(), noFiles()];
  let found: FoundBlob[] = [];
  const removeFound = (): void => {
    const isCopied = !dryRun && parts.isCopied();
    const keepAll = dryRun || isCopied;
    // The database may have been lost meanwhile: then its word counts no more.
    if (!keepAll && found.length > 0) store.checkWritable();
    // Asked for each one anew: a submit may refer to it since.
    const isUsed = ({ sha256 }: FoundBlob): boolean => store.jobs.isBlobReferenced(sha256);
    const garbage = found.filter((blob) => !isUsed(blob));
    for (const { sizeBytes } of garbage) add(isCopied ? copied : unused, sizeBytes);
    if (!keepAll) blobs.remove(garbage.map(({ sha256 }) => sha256));
    const left = keepAll ? found : found.filter((blob) => !garbage.includes(blob));
    for (const { sizeBytes } of left) add(kept, sizeBytes);
    found = [];
  };
  const onUnreadable = (path: string, error: unknown): void =>
    logger.error({ event: "blobs_unreadable", path, err: error });
  for await (const blob of blobs.list(onUnreadable)) {
    if (store.jobs.isBlobReferenced(blob.sha256)) add(kept, blob.sizeBytes);
    else found.push(blob);
    if (found.length === REMOVED_AT_ONCE) removeFound();
  }
  removeFound();
  blobs.noteStored(kept);
  return { unused, copied };
}

/** What is known to be damaged, and is neither stored nor of use to any job, is nobody's concern. */
function forgetGone({ store, blobs, watch }: GcParts): void {
  const gone = watch.damaged
    .map(({ sha256 }) => sha256)
    .filter((sha256) => !blobs.has(sha256) && !store.jobs.isBlobReferenced(sha256));
  if (gone.length > 0) watch.forget(gone);
}

/** From here on an older copy of the database is told by what the data folder knows. */
async function noteProgress({ store, paths, logger }: GcParts): Promise<void> {
  await noteLastJobId(paths.dataPath, store.jobs.lastId()).catch((error: unknown) => {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code !== "ENOSPC" && code !== "EDQUOT")
      logger.warn({ event: "last_job_not_noted", err: error });
  });
}

/** What is found is remembered by the blob store's records. */
async function readAllThrough(
  { store, blobs, logger }: GcParts,
  signal: AbortSignal | undefined,
): Promise<GcReport["verified"]> {
  const sum = { count: 0, sizeBytes: 0 };
  /** Of directories that cannot be listed. */
  const closed = new Set<string>();
  const read = (sha256: string): Promise<void> =>
    blobs.readThrough(sha256).catch((error: unknown) => {
      if (error instanceof JobctlError && error.code === "blob_damaged") return;
      // One that has been removed meanwhile is reported as missing if it should be there.
      if (error instanceof JobctlError && error.code === "blob_missing") return;
      if (!isUnreadableEntry(error)) throw error;
      logger.error({ event: "blobs_unreadable", path: blobs.pathOf(sha256), err: error });
    });
  const onUnreadable = (path: string, error: unknown): void => {
    logger.error({ event: "blobs_unreadable", path, err: error });
    closed.add(basename(path));
  };
  for await (const { sha256, sizeBytes } of blobs.list(onUnreadable)) {
    signal?.throwIfAborted();
    await read(sha256);
    add(sum, sizeBytes);
  }
  // What lies in these, and where a directory is instead of a file, is known from the jobs alone.
  for await (const { sha256 } of references(store)) {
    signal?.throwIfAborted();
    if (closed.has(sha256.slice(0, 2)) || blobs.isMisplaced(sha256)) await read(sha256);
  }
  return sum;
}

const noFiles = (): FileSum => ({ count: 0, sizeBytes: 0 });

function add(sum: FileSum, sizeBytes: number): void {
  addAll(sum, { count: 1, sizeBytes });
}

function addAll(sum: FileSum, more: FileSum): void {
  sum.count += more.count;
  sum.sizeBytes += more.sizeBytes;
}

/** What the jobs refer to, of some jobs at a time. */
async function* references(store: Store): AsyncGenerator<GcReport["missing"][number]> {
  for (let after = 0; ;) {
    const page = store.jobs.blobReferences(after, JOBS_AT_ONCE);
    const last = page.at(-1);
    if (last === undefined) return;
    for (const { jobId, input, result } of page) {
      yield { jobId, kind: "input", sha256: input };
      if (result !== null) yield { jobId, kind: "result", sha256: result };
    }
    after = last.jobId;
    await nextTurn();
  }
}

async function findMissing({ store, blobs }: GcParts): Promise<GcReport["missing"]> {
  const missing: GcReport["missing"] = [];
  for await (const reference of references(store)) {
    if (blobs.has(reference.sha256)) continue;
    // The volume may have been taken away since the beginning.
    blobs.requireVolume();
    missing.push(reference);
  }
  return missing;
}
