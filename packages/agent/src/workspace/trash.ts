import { randomUUID } from "node:crypto";
import { lstat, mkdir, readdir, rename, rmdir } from "node:fs/promises";
import { basename, join } from "node:path";

import { Directory } from "@jobctl/archive";
import type { Logger } from "@jobctl/daemon";

import { emptyDirectory } from "./remove-tree.js";

/** Pauses before what could not be removed is tried again. */
const AGAIN = { firstMs: 1000, maxMs: 300_000 };

/**
 * Where the directories of attempts go that are over. They get there by a rename, so that an
 * attempt is gone at once and whole, and are emptied afterwards, one at a time. What cannot be
 * removed is logged and counted, is tried again after growing pauses, and keeps nothing from going on.
 *
 * Invariant: nothing in the trash is ever read again as an attempt.
 */
export class Trash {
  readonly #path: string;
  readonly #logger: Logger;
  #emptying: Promise<void> = Promise.resolve();
  /** Paths that could not be moved or removed, with how often that has failed. */
  readonly #stuck = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = AGAIN.firstMs;

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  /** Directories that could not be removed so far. */
  get stuck(): number {
    return this.#stuck.size;
  }

  /** Whether it has been given this directory, and could not move it so far. */
  isToTake(directory: string): boolean {
    return this.#stuck.has(directory);
  }

  /**
   * Makes its directory, and begins to remove what is in it, and what it could not take before.
   *
   * @throws the system's error
   */
  async open(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#path)) this.#emptySoon(join(this.#path, name));
    // The folder may be back.
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pauseMs = AGAIN.firstMs;
    this.#tryAgainLater();
  }

  /** Takes a directory in, now or when that is possible; one that is not there is no error. Never rejects. */
  async take(directory: string): Promise<void> {
    const path = join(this.#path, `${basename(directory)}-${randomUUID()}`);
    try {
      await this.#move(directory, path);
    } catch (error) {
      if (isMissing(error)) this.#noteRemoved(directory);
      else this.#noteStuck(directory, error);
      return;
    }
    this.#noteRemoved(directory);
    this.#emptySoon(path);
  }

  /** This directory is in use again: it is another one than the one that could not be moved. */
  forget(directory: string): void {
    this.#stuck.delete(directory);
  }

  /** Waits until everything that it has taken so far is removed or given up for the moment. */
  async settled(): Promise<void> {
    await this.#emptying;
  }

  /** Where the trash itself is missing, the system says the same as of a directory that is not there. */
  async #move(directory: string, path: string): Promise<void> {
    try {
      await rename(directory, path);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await lstat(directory);
      await mkdir(this.#path, { recursive: true, mode: 0o700 });
      await rename(directory, path);
    }
  }

  #emptySoon(path: string): void {
    this.#emptying = this.#emptying.then(() => this.#empty(path));
  }

  async #empty(path: string): Promise<void> {
    try {
      await remove(path);
      this.#noteRemoved(path);
    } catch (error) {
      if (isMissing(error)) this.#noteRemoved(path);
      else this.#noteStuck(path, error);
    }
  }

  #noteRemoved(path: string): void {
    const tries = this.#stuck.get(path);
    if (tries === undefined) return;
    this.#stuck.delete(path);
    this.#pauseMs = AGAIN.firstMs;
    this.#logger.info({ event: "trash_removed", path, tries });
  }

  #noteStuck(path: string, error: unknown): void {
    if (this.#stuck.size === 0) this.#pauseMs = AGAIN.firstMs;
    const tries = (this.#stuck.get(path) ?? 0) + 1;
    this.#stuck.set(path, tries);
    if (tries === 1) this.#logger.error({ event: "trash_not_removed", path, err: error });
    this.#tryAgainLater();
  }

  #tryAgainLater(): void {
    if (this.#timer !== undefined || this.#stuck.size === 0) return;
    this.#timer = setTimeout(() => void this.#tryAgain(), this.#pauseMs).unref();
    this.#pauseMs = Math.min(AGAIN.maxMs, this.#pauseMs * 2);
  }

  async #tryAgain(): Promise<void> {
    this.#timer = undefined;
    for (const path of [...this.#stuck.keys()]) {
      if (path.startsWith(`${this.#path}/`)) this.#emptySoon(path);
      else if (this.#stuck.has(path)) await this.take(path);
    }
  }
}

async function remove(path: string): Promise<void> {
  const directory = Directory.open(path);
  try {
    const { left, error } = await emptyDirectory(directory);
    if (left > 0) throw error;
  } finally {
    directory.close();
  }
  await rmdir(path);
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
