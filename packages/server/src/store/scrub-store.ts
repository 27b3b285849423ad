import type { Db, Guarded } from "./database.js";

/** How far the check of all blobs is. Times are milliseconds since 1970. */
export interface ScrubState {
  /** When checking began on this database. */
  readonly since: number;
  /** The last blob of the round under way that has been read; null between two rounds. */
  readonly position: string | null;
  /** When a round was last completed. */
  readonly completedAt: number | null;
}

export type ScrubStore = ReturnType<typeof createScrubStore>;

export function createScrubStore(db: Db, guarded: Guarded) {
  const upsert = db.prepare<[number, string | null, number | null]>(
    `INSERT INTO scrub (id, since, position, completed_at) VALUES (1, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET
       since = excluded.since, position = excluded.position, completed_at = excluded.completed_at`,
  );
  const select = db.prepare<[], ScrubState>(
    "SELECT since, position, completed_at AS completedAt FROM scrub",
  );
  return {
    find(): ScrubState | null {
      return select.get() ?? null;
    },
    put({ since, position, completedAt }: ScrubState): void {
      guarded(() => upsert.run(since, position, completedAt));
    },
  };
}
