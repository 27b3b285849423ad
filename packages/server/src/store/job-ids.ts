import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

import { JobctlError } from "@jobctl/protocol";

import { readInstallationNote, updateInstallationNote } from "./data-folder.js";

/** So many ids are reserved at once, with one durable write; a crash of the machine skips as many at most. */
const BLOCK = 1000;
const MAX_BYTES = 200;
const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants;

/** Ids of jobs, the first and the last. */
export interface IdRange {
  readonly first: number;
  readonly last: number;
}

export interface JobIdsParts {
  readonly dataPath: string;
  readonly installation: string;
  /** The database's view: the last id, and how to leave out all up to one. */
  readonly jobs: { lastId(): number; skipTo(id: number): void };
  /** Which start of the machine this is. */
  readonly boot: string;
  readonly logger: {
    warn(facts: object, message?: string): void;
    error(facts: object, message?: string): void;
  };
}

/**
 * Keeps ids of jobs from being given out twice, also when the database has lost some: SQLite leaves out what
 * is damaged in its log without a word. Two things outside the database are compared with it at the start:
 *
 * - `last-job-id`, written after each submit, not synced: exact after the process was killed, and perhaps
 *   old after the machine has failed;
 * - the reserved block in `installation.json`, synced before its first id is given out.
 */
export class JobIds {
  readonly #parts: JobIdsParts;
  #descriptor: number | null = null;
  #lost: IdRange | null;
  /** Ids up to this one are not given out, whatever the database says. */
  readonly #given: number;
  /** Ids up to this one may be given out. */
  #reserved: number;

  constructor(parts: JobIdsParts) {
    this.#parts = parts;
    const stored = parts.jobs.lastId();
    const given = this.#openLast();
    const note = readInstallationNote(parts.dataPath);
    const isExact = given.isExact && given.id >= stored;
    this.#given = Math.max(stored, given.id, isExact ? 0 : (note?.reservedJobId ?? 0));
    this.#reserved = this.#given;
    this.#lost = note?.lostJobs ?? null;
    if (given.id > stored) this.#noteLoss({ first: stored + 1, last: given.id });
    this.#try(() => parts.jobs.skipTo(this.#given));
  }

  /** What the database has lost, as far as is known, until it is given up. */
  get lost(): IdRange | null {
    return this.#lost;
  }

  giveUpLost(): void {
    if (this.#lost === null) return;
    this.#lost = null;
    this.#try(() => updateInstallationNote(this.#parts.dataPath, { lostJobs: undefined }));
  }

  /** Called in the transaction that makes a job, before it gets its id. */
  skipGiven(): void {
    this.#parts.jobs.skipTo(this.#given);
  }

  /** Called in the transaction that gives out an id. @throws JobctlError `storage_full` */
  reserve(id: number): void {
    if (id <= this.#reserved) return;
    try {
      updateInstallationNote(this.#parts.dataPath, { reservedJobId: id + BLOCK });
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      throw new JobctlError("storage_full", "the server's data volume is full", {
        hint: "Nothing was stored. Ask the operator to free space, then submit again.",
        cause: error,
        retryAfterSeconds: 60,
      });
    }
    this.#reserved = id + BLOCK;
  }

  /** Called when a job has been committed. */
  noteGiven(id: number): void {
    if (this.#descriptor === null) return;
    const line = `${this.#parts.installation} ${this.#parts.boot} ${id}\n`;
    try {
      writeSync(this.#descriptor, line.padEnd(MAX_BYTES - 1, " "), 0);
    } catch (error) {
      this.#parts.logger.warn({ event: "last_job_not_noted", err: error });
      // Better unknown than old.
      const descriptor = this.#descriptor;
      this.#try(() => ftruncateSync(descriptor, 0));
      this.#close();
    }
  }

  /** Nothing is skipped by the next start. */
  close(): void {
    const last = Math.max(this.#parts.jobs.lastId(), this.#given);
    if (this.#reserved !== last)
      this.#try(() => updateInstallationNote(this.#parts.dataPath, { reservedJobId: last }));
    this.#close();
  }

  #noteLoss(lostJobs: IdRange): void {
    this.#lost = lostJobs;
    this.#parts.logger.error(
      { event: "jobs_lost", ...lostJobs },
      `the database has lost ${describeLost(lostJobs)}, which had been acknowledged: restore a backup, or have them submitted again`,
    );
    this.#try(() => updateInstallationNote(this.#parts.dataPath, { lostJobs }));
  }

  /** What cannot be written is told, and keeps nothing from going on. */
  #try(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#parts.logger.warn({ event: "last_job_not_noted", err: error });
    }
  }

  #close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  /** The last id that was given out, and whether it is known to be that: 0 where nothing is known. */
  #openLast(): { readonly id: number; readonly isExact: boolean } {
    const unknown = { id: 0, isExact: false };
    const path = join(this.#parts.dataPath, "last-job-id");
    try {
      const descriptor = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
      this.#descriptor = descriptor;
      if (!fstatSync(descriptor).isFile()) throw new Error("it is not a regular file");
      const content = Buffer.alloc(MAX_BYTES);
      const read = readSync(descriptor, content, 0, MAX_BYTES, 0);
      const [of, boot, id = ""] = content.toString("latin1", 0, read).trim().split(" ");
      if (of !== this.#parts.installation || !/^[0-9]{1,15}$/.test(id)) return unknown;
      return { id: Number(id), isExact: boot === this.#parts.boot };
    } catch (error) {
      this.#parts.logger.warn({ event: "last_job_not_noted", path, err: error });
      this.#close();
      return unknown;
    }
  }
}

export function describeLost({ first, last }: IdRange): string {
  return first === last ? `job ${first}` : `the jobs ${first} to ${last}`;
}

/**
 * Refuses to remove files while the database lacks jobs that they may belong to.
 *
 * @throws JobctlError `data_mismatch`
 */
export function refuseAfterLoss(lost: IdRange | null): void {
  if (lost === null) return;
  throw new JobctlError(
    "data_mismatch",
    `the database lacks ${describeLost(lost)}, which were given out: it is damaged, or an old copy`,
    {
      hint: "Nothing was removed. Restore a backup: jobctl restore BACKUP/latest --data DIR --force --take-over. If the jobs are given up: jobctl gc --force.",
      details: { ...lost },
    },
  );
}

function isNoSpace(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT";
}
