import type { BlobUser } from "@jobctl/protocol";

import type { Db, Guarded } from "./database.js";

/** A blob that is not what it was. */
export interface DamagedBlob {
  readonly sha256: string;
  /** Milliseconds since 1970. */
  readonly foundAt: number;
  /** What is wrong, for people. */
  readonly found: string;
  readonly jobs: readonly BlobUser[];
}

type Row = Omit<DamagedBlob, "jobs"> & { readonly jobs: string };

/** Jobs that are named for one blob. */
const MAX_JOBS = 1000;

export type DamageStore = ReturnType<typeof createDamageStore>;

export function createDamageStore(db: Db, guarded: Guarded) {
  const insert = db.prepare<[string, number, string, string]>(
    `INSERT INTO damaged_blobs (sha256, found_at, found, jobs) VALUES (?, ?, ?, ?)
     ON CONFLICT (sha256) DO NOTHING`,
  );
  const remove = db.prepare<[string]>("DELETE FROM damaged_blobs WHERE sha256 = ?");
  const selectAll = db.prepare<[], Row>(
    "SELECT sha256, found_at AS foundAt, found, jobs FROM damaged_blobs ORDER BY found_at, sha256",
  );
  const selectUsers = db.prepare<{ sha256: string }, BlobUser>(
    `SELECT id AS jobId, 'input' AS kind FROM jobs WHERE input_sha256 = @sha256
     UNION ALL SELECT id, 'result' FROM jobs WHERE result_sha256 = @sha256
     LIMIT ${MAX_JOBS}`,
  );
  return {
    /** Jobs that refer to a blob, the first thousand of them. */
    usersOf(sha256: string): BlobUser[] {
      return selectUsers.all({ sha256 });
    },
    put({ sha256, foundAt, found, jobs }: DamagedBlob): void {
      guarded(() => insert.run(sha256, foundAt, found, JSON.stringify(jobs)));
    },
    remove(sha256: string): void {
      guarded(() => remove.run(sha256));
    },
    list(): DamagedBlob[] {
      return selectAll
        .all()
        .map(({ jobs, ...row }) => ({ ...row, jobs: JSON.parse(jobs) as BlobUser[] }));
    },
  };
}
