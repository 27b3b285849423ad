import { TAR_END, packTree } from "@jobctl/archive";
import { JobctlError } from "@jobctl/protocol";

import { openWorkspace } from "../workspace/workspace.js";
import type { AttemptContext } from "./attempt-context.js";

/** Each walks the whole workspace, and holds up to seventy descriptors and the names of a directory. */
const MAX_READERS = 4;
/** Most entries of a workspace that are sent while its job runs. */
const MAX_LIVE_ENTRIES = 100_000;

/** The workspace of an attempt whose job may be running. */
export class LiveWorkspace {
  readonly #context: AttemptContext;
  #readers = 0;

  constructor(context: AttemptContext) {
    this.#context = context;
  }

  /**
   * The workspace as it is now, as an archive. What cannot be read, or changes meanwhile, is not in
   * it; the stream fails with `archive_too_large` where a result would be too large as well.
   *
   * @throws JobctlError `overloaded` when too many are reading it
   */
  pack(): AsyncGenerator<Buffer> {
    if (this.#readers < MAX_READERS) return this.#pack();
    throw new JobctlError(
      "overloaded",
      `the workspace of attempt ${this.#context.spec.id} is being read ${MAX_READERS} times already`,
      { retryAfterSeconds: 1 },
    );
  }

  async *#pack(): AsyncGenerator<Buffer> {
    const { maxResultBytes, workspaceLimits } = this.#context.settings;
    const maxEntries = Math.min(workspaceLimits.maxEntries, MAX_LIVE_ENTRIES);
    const workspace = openWorkspace(this.#context.paths);
    this.#readers += 1;
    try {
      yield* packTree(workspace, { wanted: () => true, maxEntries }, maxResultBytes);
      yield TAR_END;
    } finally {
      workspace.close();
      this.#readers -= 1;
    }
  }
}
