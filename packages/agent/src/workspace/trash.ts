import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rmdir } from "node:fs/promises";
import { basename, join } from "node:path";

import { Directory } from "@jobctl/archive";
import type { Logger } from "@jobctl/daemon";

import { emptyDirectory } from "./remove-tree.js";

/**
 * Where the directories of attempts go that are over. They get there by a rename, so that an
 * attempt is gone at once and whole, and are emptied afterwards, one at a time. What cannot be
 * removed stays, is logged and counted, and keeps nothing from going on.
 *
 * Invariant: nothing in the trash is ever read again as an attempt.
 */
export class Trash {
  readonly #path: string;
  readonly #logger: Logger;
  #emptying: Promise<void> = Promise.resolve();
  #stuck = 0;

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  /** Directories that could not be removed since the start. */
  get stuck(): number {
    return this.#stuck;
  }

  /** Makes its directory, and begins to remove what an earlier process has left in it. */
  async open(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#path)) this.#emptySoon(name);
  }

  /**
   * Takes a directory in; one that is not there is no error.
   *
   * @throws the system's error when it cannot be moved
   */
  async take(directory: string): Promise<void> {
    const name = `${basename(directory)}-${randomUUID()}`;
    try {
      await rename(directory, join(this.#path, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error;
    }
    this.#emptySoon(name);
  }

  /** Waits until everything that it has taken so far is removed or given up. */
  async settled(): Promise<void> {
    await this.#emptying;
  }

  #emptySoon(name: string): void {
    this.#emptying = this.#emptying.then(() => this.#empty(join(this.#path, name)));
  }

  async #empty(path: string): Promise<void> {
    try {
      const directory = Directory.open(path);
      try {
        const { left, error } = await emptyDirectory(directory);
        if (left > 0) throw error;
      } finally {
        directory.close();
      }
      await rmdir(path);
    } catch (error) {
      this.#stuck += 1;
      this.#logger.error({ event: "trash_not_removed", path, err: error });
    }
  }
}
