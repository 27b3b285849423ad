import type { BlobStore } from "../blobs/blob-store.js";
import type { BlobWatch } from "./blob-watch.js";

/**
 * Reads a blob through that is known to be damaged when its file is another one than before, such as one that
 * has been put back from a backup: where it is right again the damage is forgotten.
 */
export class DamageRecheck {
  readonly #blobs: BlobStore;
  readonly #watch: BlobWatch;
  /** What the files were like that have been read, by digest. */
  #seen = new Map<string, string>();

  constructor(blobs: BlobStore, watch: BlobWatch) {
    this.#blobs = blobs;
    this.#watch = watch;
  }

  /** @param stopping ends it before the next blob */
  async run(stopping: AbortSignal): Promise<void> {
    const seen = new Map<string, string>();
    for (const { sha256 } of this.#watch.damaged) {
      const state = await this.#blobs.stateOf(sha256);
      if (state === null) continue;
      // What was found in this file since the start is remembered by the store, and not read again.
      if (state !== this.#seen.get(sha256) && !stopping.aborted) await this.#blobs.isIntact(sha256);
      seen.set(sha256, state);
    }
    this.#seen = seen;
  }
}
