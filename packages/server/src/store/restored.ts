import Database from "better-sqlite3";

import type { Db } from "./database.js";
import type { StoredInstallation } from "./installation-store.js";
import { MAX_JOBS_PER_SECOND } from "./job-rate.js";
import { raiseEpoch } from "./lease-store.js";

/** Attempts at one job in a second: a refusal is followed by a pause, at each agent. */
const MAX_ATTEMPTS_PER_SECOND = 10;
/** By how much the clocks of the backup and of the restore may differ. */
const CLOCK_MARGIN_SECONDS = 3600;
/** Numbers of attempts have nine digits at most. */
const MAX_FIRST_ATTEMPT = 500_000_000;

export interface RestoreFacts {
  /** When the backup was taken, in milliseconds since 1970. */
  readonly createdAt: number;
  /** The database that is replaced, which knows what has been given out since; null when there is none. */
  readonly replaced: string | null;
  /** Who the restored server is; null leaves it who it was. */
  readonly newInstallation: StoredInstallation | null;
}

export interface RestoredIdentity {
  /** Null when the backup is of a server that had no installation id yet. */
  readonly installation: string | null;
  /** The next job gets this id, or a higher one. */
  readonly nextJobId: number;
}

interface Given {
  /** Null in a database without an installation. */
  readonly installation: string | null;
  readonly jobId: number;
  readonly attempt: number;
}

/**
 * Makes a restored database the next server's, in one transaction: newer than the one that it replaces, and
 * with ids of jobs and attempts that have not been given out. Those that were given out after the backup
 * are read from the replaced database; where that cannot be read, or is not the backed up server's, or is
 * older than the backup, as many are left out as one server can have given out since.
 *
 * @param db of the current schema version
 * @param now milliseconds since 1970
 */
export function continueAfterRestore(db: Db, facts: RestoreFacts, now: number): RestoredIdentity {
  return db
    .transaction((): RestoredIdentity => {
      raiseEpoch(db, now);
      const known = readGiven(db);
      const given =
        (facts.replaced && readGivenSince(known, facts.replaced)) || estimate(known, facts, now);
      if (facts.newInstallation !== null) replaceInstallation(db, facts.newInstallation, now);
      const last = Math.max(known.jobId, given.jobId);
      db.prepare("DELETE FROM sqlite_sequence WHERE name = 'jobs'").run();
      db.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('jobs', ?)").run(last);
      db.prepare(
        `UPDATE restores SET skipped_ids = skipped_ids + @skipped, last_job_id = @lastJobId,
           first_attempt = max(first_attempt, @firstAttempt)`,
      ).run({
        skipped: last - known.jobId,
        lastJobId: known.jobId,
        firstAttempt: Math.min(Math.max(known.attempt, given.attempt) + 1, MAX_FIRST_ATTEMPT),
      });
      return { installation: readInstallation(db), nextJobId: last + 1 };
    })
    .immediate();
}

/**
 * Forgets damage that a restored database knows of, where the restore has brought a file: it has been compared with
 * its name on the way. What the backup lacks stays listed.
 *
 * @param has whether the restored data have the file
 */
export function forgetRestoredDamage(db: Db, has: (sha256: string) => boolean): void {
  const list = db.prepare<[], string>("SELECT sha256 FROM damaged_blobs").pluck();
  const remove = db.prepare("DELETE FROM damaged_blobs WHERE sha256 = ?");
  db.transaction(() => {
    for (const sha256 of list.all()) if (has(sha256)) remove.run(sha256);
  }).immediate();
}

function replaceInstallation(db: Db, made: StoredInstallation, now: number): void {
  db.prepare(
    `UPDATE installation SET uuid = @uuid, public_key = @publicKey, private_key = @privateKey,
       created_at = @now`,
  ).run({ ...made, now });
}

/** The highest numbers that a database has given out. */
function readGiven(db: Db): Given {
  const number = (sql: string): number => Number(db.prepare(sql).pluck().get() ?? 0);
  return {
    installation: readInstallation(db),
    jobId: number("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'"),
    attempt: number("SELECT max(attempt) FROM jobs"),
  };
}

function readInstallation(db: Db): string | null {
  const select = db.prepare<[], string>("SELECT uuid FROM installation WHERE id = 1");
  return select.pluck().get() ?? null;
}

/** Null when it cannot be read, or does not continue what is known. */
function readGivenSince(known: Given, path: string): Given | null {
  let db: Db | null = null;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
    const given = readGiven(db);
    const isSame = given.installation !== null && given.installation === known.installation;
    return isSame && given.jobId >= known.jobId ? given : null;
  } catch {
    return null;
  } finally {
    db?.close();
  }
}

function estimate(known: Given, { createdAt }: RestoreFacts, now: number): Given {
  const seconds = Math.ceil(Math.max(0, now - createdAt) / 1000) + CLOCK_MARGIN_SECONDS;
  return {
    installation: known.installation,
    jobId: known.jobId + MAX_JOBS_PER_SECOND * seconds,
    attempt: known.attempt + MAX_ATTEMPTS_PER_SECOND * seconds,
  };
}
