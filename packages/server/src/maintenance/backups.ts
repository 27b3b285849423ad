import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";

import { wallClock, wallInstant, type Logger } from "@jobctl/daemon";
import { JobctlError, VERSION, type BackupSession } from "@jobctl/protocol";

import type { Store } from "../store/store.js";
import type { SnapshotAnswer, SnapshotFacts, SnapshotTask } from "./snapshot-worker.js";

export interface BackupsParts {
  readonly store: Store;
  /** Where files that are being written lie. */
  readonly temporary: string;
  readonly logger: Logger;
  /** For how long the client may ask for nothing and take nothing, in milliseconds; half an hour. */
  readonly idleMs?: number;
}

/** A client looks at what it has between two requests, which takes minutes for many files. */
const IDLE_MS = 30 * 60_000;
/** What stands between client and server closes a connection that is silent for a minute. */
const SIGN_OF_LIFE_MS = 10_000;

interface Open {
  readonly session: BackupSession;
  readonly database: string;
  readonly blobList: string;
}

/**
 * Snapshots of the database that a client copies, one at a time. Blobs are not copied here: they never
 * change, and the client fetches those that it does not have.
 */
export class Backups {
  readonly #parts: BackupsParts;
  #open: Open | null = null;
  #beginning = false;
  #progressMs = 0;

  constructor(parts: BackupsParts) {
    this.#parts = parts;
  }

  /** While a snapshot is being copied, nothing that it refers to may be removed. */
  get isOpen(): boolean {
    return this.#open !== null || this.#beginning;
  }

  /** @throws JobctlError `backup_running`, `database_damaged` */
  async begin(): Promise<BackupSession> {
    if (this.isOpen) {
      throw new JobctlError("backup_running", "another backup of this server is under way", {
        hint: "Wait for it to end.",
      });
    }
    this.#beginning = true;
    const id = randomUUID();
    const database = join(this.#parts.temporary, `backup-${id}.db`);
    const blobList = join(this.#parts.temporary, `backup-${id}.ndjson`);
    try {
      await this.#parts.store.copyTo(database);
      const facts = await inspectDatabase({ path: database, blobList });
      if (facts.integrity !== "ok") throw databaseDamaged(facts.integrity);
      const session: BackupSession = {
        schema: "jobctl.backup-session/v1",
        id,
        createdAt: wallInstant(),
        installation: this.#parts.store.installation.find()?.uuid ?? null,
        version: VERSION,
        schemaVersion: facts.schemaVersion,
        database: { sizeBytes: facts.sizeBytes, sha256: facts.sha256 ?? "" },
        counts: { jobs: facts.jobs, attempts: facts.attempts, events: facts.events },
        blobs: facts.blobs,
      };
      this.#open = { session, database, blobList };
      this.noteProgress();
      this.#parts.logger.info({ event: "backup_begun", id, ...session.counts });
      return session;
    } catch (error) {
      await removeFiles(database, blobList);
      throw error;
    } finally {
      this.#beginning = false;
    }
  }

  /** Called when a client asks for a part of a backup, and for each piece that it takes. */
  noteProgress(): void {
    this.#progressMs = performance.now();
  }

  /** Passes on what is copied, as progress of the client that takes it. */
  async *watched(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of source) {
      this.noteProgress();
      yield piece;
    }
  }

  /**
   * The answer that a session lasts as long as: what is in the snapshot, and empty lines. It ends when the
   * client goes away, and when it has made no progress for half an hour, such as one that is stopped.
   */
  async *heldOpen(
    session: BackupSession,
    closed: AbortSignal,
    everyMs = SIGN_OF_LIFE_MS,
  ): AsyncGenerator<string> {
    const { idleMs = IDLE_MS, logger } = this.#parts;
    yield `${JSON.stringify(session)}\n`;
    while (!closed.aborted) {
      await delay(everyMs, undefined, { signal: closed }).catch(() => {});
      if (performance.now() - this.#progressMs >= idleMs) {
        logger.warn({ event: "backup_abandoned", id: session.id, idleSeconds: idleMs / 1000 });
        return;
      }
      yield "\n";
    }
  }

  /** @throws JobctlError `backup_not_found` */
  files(id: string): {
    readonly session: BackupSession;
    readonly database: string;
    readonly blobList: string;
  } {
    const open = this.#open;
    if (open?.session.id !== id) {
      throw new JobctlError("backup_not_found", `there is no backup ${id}`, {
        hint: "Begin again: what has been copied is not copied again.",
      });
    }
    this.noteProgress();
    return open;
  }

  /**
   * Takes note that the client has copied everything, and that its snapshot is whole but for some blobs.
   *
   * @param damaged how many blobs could not be copied
   * @throws JobctlError `backup_not_found`
   */
  complete(id: string, damaged: number): void {
    this.files(id);
    this.#parts.store.milestones.reach("backup", wallClock(), damaged);
    if (damaged > 0) this.#parts.logger.error({ event: "backup_incomplete", id, damaged });
    else this.#parts.logger.info({ event: "backup_completed", id });
  }

  async end(id: string): Promise<void> {
    const open = this.#open;
    if (open?.session.id !== id) return;
    this.#open = null;
    await removeFiles(open.database, open.blobList);
    this.#parts.logger.info({ event: "backup_ended", id });
  }
}

/**
 * Reads a database through in a thread of its own.
 *
 * @throws JobctlError `database_damaged`, `database_unavailable`, `storage_full`
 */
export async function inspectDatabase(task: SnapshotTask): Promise<SnapshotFacts> {
  const worker = new Worker(new URL("./snapshot-worker.js", import.meta.url), { workerData: task });
  const [answer] = (await once(worker, "message")) as [SnapshotAnswer];
  if (answer.kind === "found") return answer.facts;
  const { code, message, hint } = answer;
  throw new JobctlError(code, message, hint === null ? {} : { hint });
}

export function databaseDamaged(problem: string): JobctlError {
  return new JobctlError("database_damaged", `the database is damaged: ${problem}`, {
    hint: "Stop the server, and restore the newest backup that jobctl backup verify accepts.",
  });
}

async function removeFiles(...paths: string[]): Promise<void> {
  for (const path of paths)
    for (const suffix of ["", "-wal", "-shm", "-journal"]) await rm(path + suffix, { force: true });
}
