import { JobctlError } from "@jobctl/protocol";

import type { BlobStore } from "../blobs/blob-store.js";
import type { Store } from "../store/store.js";

/** An archive and a result. */
const BLOBS_OF_A_JOB = 2;
/** Blobs without a job that crashes may have left. */
const STRAY_BLOBS = 20;

/**
 * Refuses to remove more blobs than the jobs that have been removed can have left. A database that is older
 * than its blobs, such as one that was copied from a backup by hand, knows nothing of the newer ones.
 *
 * @throws JobctlError `data_mismatch`, and nothing has been removed
 */
export async function requirePlausibleGarbage(store: Store, blobs: BlobStore): Promise<void> {
  let [all, unused] = [0, 0];
  for await (const { sha256 } of blobs.list()) {
    all += 1;
    if (!store.jobs.isBlobReferenced(sha256)) unused += 1;
  }
  if (unused <= STRAY_BLOBS) return;
  const accountedFor = STRAY_BLOBS + BLOBS_OF_A_JOB * store.jobs.countRemoved();
  if (unused <= accountedFor) return;
  throw new JobctlError(
    "data_mismatch",
    `${unused} of ${all} stored files belong to no job, and the jobs that have been removed account for ${accountedFor}: the database may be older than the files`,
    {
      hint: "Nothing was removed. If the database is an old one, restore a newer backup: jobctl restore BACKUP/latest --data DIR --force --take-over. If the files are certainly of no use: jobctl gc --force.",
      details: { unused, all, accountedFor },
    },
  );
}
