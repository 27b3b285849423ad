import { setTimeout as delay } from "node:timers/promises";

import { backoffMs, wallClock, type Logger } from "@jobctl/daemon";
import { JobctlError } from "@jobctl/protocol";

import type { BlobStore } from "../blobs/blob-store.js";
import { isUnreadableEntry } from "../blobs/unreadable.js";
import type { ScrubState, ScrubStore } from "../store/scrub-store.js";
import { ReadPace } from "./read-pace.js";

/** How often the position is stored: so much is read again after a crash. */
const SAVE_EVERY_MS = 10_000;
/** Longest sleep between two rounds, so that a clock that is set is noticed. */
const LONGEST_SLEEP_MS = 60_000;
const AGAIN = { firstMs: 1000, maxMs: 10 * 60_000 };

export interface ScrubSettings {
  /** A round begins so long after the last one has been completed. */
  readonly everyMs: number;
  /** At most so much is read in a second. */
  readonly bytesPerSecond: number;
}

export interface ScrubParts {
  readonly blobs: BlobStore;
  readonly store: ScrubStore;
  readonly logger: Logger;
  readonly settings: ScrubSettings;
}

/**
 * Reads every blob through, round after round, slowly, and goes on after a restart where it was. What it
 * finds is remembered by the blob store's records; blobs without checksums get them.
 */
export class Scrub {
  readonly #parts: ScrubParts;
  readonly #stopping = new AbortController();
  #state: ScrubState;
  #running: Promise<void> = Promise.resolve();
  #savedMs = performance.now();
  #readBytes = 0;

  constructor(parts: ScrubParts) {
    this.#parts = parts;
    const fresh = { since: wallClock(), position: null, completedAt: null };
    this.#state = parts.store.find() ?? fresh;
  }

  /** Bytes that have been read since the start. */
  get readBytes(): number {
    return this.#readBytes;
  }

  /** Time since every blob was last known to have been read; since checking began before that. */
  get ageSeconds(): number {
    const { completedAt, since } = this.#state;
    return Math.max(0, wallClock() - (completedAt ?? since)) / 1000;
  }

  /** Configured time from the end of a round to the next one. */
  get periodSeconds(): number {
    return this.#parts.settings.everyMs / 1000;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#sleep(this.#dueInMs());
        if (this.#dueInMs() > 0) continue;
        await this.#round();
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        this.#parts.logger.warn({ event: "scrub_failed", failures, err: error });
        await this.#sleep(backoffMs(failures, AGAIN, Math.random()));
      }
    }
    // What cannot be stored is read again.
    if (this.#state.position !== null) this.#trySave();
  }

  #dueInMs(): number {
    const { position, completedAt } = this.#state;
    if (position !== null || completedAt === null) return 0;
    const dueMs = completedAt + this.#parts.settings.everyMs - wallClock();
    return Math.max(0, Math.min(dueMs, this.#parts.settings.everyMs));
  }

  async #round(): Promise<void> {
    const { blobs, logger, settings } = this.#parts;
    const { signal } = this.#stopping;
    const from = this.#state.position;
    this.#save({ ...this.#state, position: from ?? "" });
    logger.info({ event: "scrub_begun", from });
    const pace = new ReadPace(settings.bytesPerSecond, signal);
    const sum = { blobs: 0, damaged: 0, unreadable: 0 };
    const noteUnreadable = (path: string, error: unknown): void => {
      sum.unreadable += 1;
      logger.error({ event: "scrub_unreadable", path, err: error });
    };
    for await (const sha256 of blobs.digestsAfter(from ?? "", noteUnreadable)) {
      signal.throwIfAborted();
      try {
        if (!(await this.#isWhole(sha256, pace))) sum.damaged += 1;
      } catch (error) {
        if (!isUnreadableEntry(error)) throw error;
        noteUnreadable(blobs.pathOf(sha256), error);
      }
      sum.blobs += 1;
      this.#state = { ...this.#state, position: sha256 };
      if (performance.now() - this.#savedMs >= SAVE_EVERY_MS) this.#save(this.#state);
    }
    this.#save({ ...this.#state, position: null, completedAt: wallClock() });
    logger.info({ event: "scrub_completed", ...sum });
  }

  /** @throws JobctlError `file_system`, or the file system's error, when it cannot be read */
  async #isWhole(sha256: string, pace: ReadPace): Promise<boolean> {
    try {
      await pace.startFile();
      await this.#parts.blobs.readThrough(sha256, {
        pace: async (bytes) => {
          await pace.wait(bytes);
          this.#readBytes += bytes;
        },
      });
      return true;
    } catch (error) {
      if (!(error instanceof JobctlError)) throw error;
      if (error.code === "blob_damaged") return false;
      // Removed meanwhile.
      if (error.code === "blob_missing") return true;
      throw error;
    }
  }

  #save(state: ScrubState): void {
    this.#state = state;
    this.#savedMs = performance.now();
    this.#parts.store.put(state);
  }

  #trySave(): void {
    try {
      this.#save(this.#state);
    } catch (error) {
      this.#parts.logger.warn({ event: "scrub_position_not_stored", err: error });
    }
  }

  async #sleep(ms: number): Promise<void> {
    if (ms <= 0) return;
    const { signal } = this.#stopping;
    const options = { signal, ref: false };
    await delay(Math.min(ms, LONGEST_SLEEP_MS), undefined, options).catch(() => {});
  }
}
