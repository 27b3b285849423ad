import { crashPoint } from "@jobctl/daemon";

import type { BlobStore, StagedBlob } from "../blobs/blob-store.js";
import type { Store } from "../store/store.js";

/**
 * Gives a staged file its final name and writes the row that refers to it, in one turn of the event
 * loop. When one of the two cannot be done the file is removed again, unless another row needs it.
 */
export async function commitWithRow<T>(
  blob: StagedBlob,
  parts: { readonly store: Store; readonly blobs: BlobStore },
  writeRow: () => T,
): Promise<T> {
  crashPoint("blob.staged");
  try {
    blob.commit();
  } catch (error) {
    await blob.discard();
    throw error;
  }
  crashPoint("blob.stored");
  try {
    return writeRow();
  } catch (error) {
    if (!parts.store.jobs.isBlobReferenced(blob.sha256)) parts.blobs.remove([blob.sha256]);
    throw error;
  }
}
