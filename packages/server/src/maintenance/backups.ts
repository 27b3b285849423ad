import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
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
}

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
      this.#parts.logger.info({ event: "backup_begun", id, ...session.counts });
      return session;
    } catch (error) {
      await removeFiles(database, blobList);
      throw error;
    } finally {
      this.#beginning = false;
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
