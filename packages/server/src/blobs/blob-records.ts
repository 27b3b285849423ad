import type { Checksums } from "./checksums.js";

/** What is remembered of blobs beside their files. Nothing here throws when it cannot be stored. */
export interface BlobRecords {
  /** Null when they have never been taken. */
  findChecksums(sha256: string): Checksums | null;
  saveChecksums(sha256: string, checksums: Checksums): void;
  /** The blobs have been removed on purpose. */
  forget(digests: readonly string[]): void;
  /** @param found what is wrong, for people */
  noteDamage(sha256: string, found: string): void;
  /** The blob has been read through, or stored anew: what was wrong with it is no more. */
  noteIntact(sha256: string): void;
}

/** Remembers nothing: each blob is read through whenever it is opened. */
export const NO_RECORDS: BlobRecords = {
  findChecksums: () => null,
  saveChecksums: () => {},
  forget: () => {},
  noteDamage: () => {},
  noteIntact: () => {},
};
