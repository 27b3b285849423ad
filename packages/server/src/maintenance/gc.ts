import { setImmediate as nextTurn } from "node:timers/promises";

import type { Logger } from "@jobctl/daemon";
import { JobctlError, type GcReport } from "@jobctl/protocol";

import type { BlobStore } from "../blobs/blob-store.js";
import type { Store } from "../store/store.js";
import type { BlobWatch } from "./blob-watch.js";
import { requirePlausibleGarbage } from "./gc-guard.js";

/** What is younger may belong to a request that is under way. */
const YOUNGEST_MS = 60 * 60 * 1000;

export interface GcParts {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly watch: BlobWatch;
  readonly logger: Logger;
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

/**
 * Removes what belongs to no job: blobs without a row, and files that nobody writes any more. A row
 * without its blob, and a blob that is damaged, are reported and never hidden.
 *
 * @throws AbortError when the signal is raised while blobs are read through
 * @throws JobctlError `data_mismatch` when what is to be removed is more than can be garbage
 */
export async function collectGarbage(
  parts: GcParts,
  { dryRun, force, verify = false, signal }: GcOptions,
): Promise<GcReport> {
  const { store, blobs, watch, logger } = parts;
  if (!dryRun && !force) await requirePlausibleGarbage(store, blobs);
  const verified = verify ? await readAllThrough(blobs, signal) : null;
  const keepAll = dryRun || parts.isCopied();
  const unused = { count: 0, sizeBytes: 0 };
  const kept = { count: 0, sizeBytes: 0 };
  for await (const { sha256, sizeBytes } of blobs.list()) {
    // Asked for each one anew: a submit may refer to it since.
    const isUnused = !store.jobs.isBlobReferenced(sha256);
    if (isUnused) add(unused, sizeBytes);
    if (isUnused && !keepAll) blobs.remove(sha256);
    else add(kept, sizeBytes);
  }
  blobs.noteStored(kept);
  const temporaryFiles = await blobs.removeOldTemporaryFiles(YOUNGEST_MS, keepAll);
  const missing = await findMissing(parts);
  for (const gap of missing) logger.error({ event: "blob_missing", ...gap });
  if (unused.count + temporaryFiles.count > 0)
    logger.info({ event: "garbage_collected", dryRun, blobs: unused, temporaryFiles });
  const { damaged } = watch;
  const removal = { blobs: unused, temporaryFiles };
  return { schema: "jobctl.gc/v1", dryRun, ...removal, missing, verified, damaged };
}

/** What is found is remembered by the blob store's records. */
async function readAllThrough(
  blobs: BlobStore,
  signal: AbortSignal | undefined,
): Promise<GcReport["verified"]> {
  const sum = { count: 0, sizeBytes: 0 };
  for await (const { sha256, sizeBytes } of blobs.list()) {
    signal?.throwIfAborted();
    await blobs.readThrough(sha256).catch((error: unknown) => {
      const isKnown = error instanceof JobctlError && error.code === "blob_damaged";
      // One that has been removed meanwhile is reported as missing if it should be there.
      if (!isKnown && (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    });
    add(sum, sizeBytes);
  }
  return sum;
}

function add(sum: { count: number; sizeBytes: number }, sizeBytes: number): void {
  sum.count += 1;
  sum.sizeBytes += sizeBytes;
}

async function findMissing({ store, blobs }: GcParts): Promise<GcReport["missing"]> {
  const missing: GcReport["missing"] = [];
  for (let after = 0; ;) {
    const page = store.jobs.blobReferences(after, JOBS_AT_ONCE);
    const last = page.at(-1);
    if (last === undefined) return missing;
    for (const { jobId, input, result } of page) {
      if (!blobs.has(input)) missing.push({ jobId, kind: "input", sha256: input });
      if (result !== null && !blobs.has(result))
        missing.push({ jobId, kind: "result", sha256: result });
    }
    after = last.jobId;
    await nextTurn();
  }
}
