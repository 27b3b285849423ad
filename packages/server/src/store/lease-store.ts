import Database from "better-sqlite3";

import type { Db } from "./database.js";

/** Which server is active on a data directory, and since when. */
export interface Lease {
  /** Raised at every take-over. */
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
