import type { Db, Guarded } from "./database.js";

/** Checksums of a blob's pieces, as they are stored. */
export interface StoredChecksums {
  readonly sizeBytes: number;
  readonly pieces: Buffer;
}

export type ChecksumStore = ReturnType<typeof createChecksumStore>;

export function createChecksumStore(db: Db, guarded: Guarded) {
  const upsert = db.prepare<[string, number, Buffer]>(
    `INSERT INTO blob_checksums (sha256, size_bytes, pieces) VALUES (?, ?, ?)
     ON CONFLICT (sha256) DO UPDATE SET size_bytes = excluded.size_bytes, pieces = excluded.pieces`,
  );
  const select = db.prepare<[string], StoredChecksums>(
    "SELECT size_bytes AS sizeBytes, pieces FROM blob_checksums WHERE sha256 = ?",
  );
  const remove = db.prepare<[string]>("DELETE FROM blob_checksums WHERE sha256 = ?");
  const upsertAll = db.transaction((entries: Iterable<[string, StoredChecksums]>) => {
    for (const [sha256, { sizeBytes, pieces }] of entries) upsert.run(sha256, sizeBytes, pieces);
  });
  const removeAll = db.transaction((digests: readonly string[]) => {
    for (const sha256 of digests) remove.run(sha256);
  });
  return {
    find(sha256: string): StoredChecksums | null {
      return select.get(sha256) ?? null;
    },
    putAll(entries: Iterable<[string, StoredChecksums]>): void {
      guarded(() => upsertAll.immediate(entries));
    },
    removeAll(digests: readonly string[]): void {
      guarded(() => removeAll.immediate(digests));
    },
  };
}
