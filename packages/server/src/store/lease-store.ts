import { existsSync } from "node:fs";

import Database from "better-sqlite3";

import type { Db } from "./database.js";

/** Which server is active on a data directory, and since when. */
export interface Lease {
  /** Raised at every take-over; a restore raises it at least to the Unix time in seconds. */
  readonly epoch: number;
  /** `host:pid`. */
  readonly holder: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

export type LeaseStore = ReturnType<typeof createLeaseStore>;

const SELECT = "SELECT epoch, holder, since FROM lease WHERE id = 1";

export function createLeaseStore(db: Db) {
  const upsert = db.prepare<[string, number]>(
    `INSERT INTO lease (id, epoch, holder, since) VALUES (1, 1, ?, ?)
     ON CONFLICT (id) DO UPDATE SET epoch = epoch + 1, holder = excluded.holder, since = excluded.since`,
  );
  const select = db.prepare<[], Lease>(SELECT);
  return {
    /** To be called by whoever holds the lock on the data directory, and by nobody else. */
    takeOver(holder: string, at: number): Lease {
      upsert.run(holder, at);
      return select.get() as Lease;
    },
  };
}

/**
 * Makes the next server of a restored database newer than the one that it replaces, however often that
 * was started after the backup: agents refuse a server that is older than one that they have worked with.
 * The epoch becomes the Unix time in seconds, which no number of take-overs reaches.
 *
 * @param at milliseconds since 1970
 */
export function raiseEpoch(db: Db, at: number): void {
  const hasLease = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'lease'").get();
  // Servers without a lease had no sessions with agents.
  if (hasLease === undefined) return;
  db.prepare("UPDATE lease SET epoch = max(epoch + 1, ?)").run(Math.floor(at / 1000));
}

/**
 * The same for a database that was put back by hand. To be called by whoever holds the lock; without a database
 * nothing is done.
 *
 * @param at milliseconds since 1970
 */
export function raiseEpochOf(dbPath: string, at: number): void {
  if (!existsSync(dbPath)) return;
  const db = new Database(dbPath, { fileMustExist: true });
  try {
    raiseEpoch(db, at);
  } finally {
    db.close();
  }
}

/** What the database says of the active server, for one that is not: nothing is written. */
export function readLease(dbPath: string): Lease | null {
  try {
    const db = new Database(dbPath, { readonly: true, fileMustExist: true });
    try {
      return db.prepare<[], Lease>(SELECT).get() ?? null;
    } finally {
      db.close();
    }
  } catch {
    // Not there yet, or of an older version.
    return null;
  }
}
