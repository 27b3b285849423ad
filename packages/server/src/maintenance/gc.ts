import { setImmediate as nextTurn } from "node:timers/promises";

import type { Logger } from "@jobctl/daemon";
import type { GcReport } from "@jobctl/protocol";

import type { BlobStore } from "../blobs/blob-store.js";
import type { Store } from "../store/store.js";

/** What is younger may belong to a request that is under way. */
const YOUNGEST_MS = 60 * 60 * 1000;

export interface GcParts {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly logger: Logger;
  /** Whether somebody is copying what is stored: then nothing is removed. */
  readonly isCopied: () => boolean;
}

/** Jobs that are looked at in one go: some milliseconds, between which requests are served. */
const JOBS_AT_ONCE = 500;

/**
 * Removes what belongs to no job: blobs without a row, and files that nobody writes any more. A row
 * without its blob is reported and never hidden.
 */
export async function collectGarbage(parts: GcParts, dryRun: boolean): Promise<GcReport> {
  const { store, blobs, logger } = parts;
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
  return { schema: "jobctl.gc/v1", dryRun, blobs: unused, temporaryFiles, missing };
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
