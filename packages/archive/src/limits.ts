/** What an archive may hold. */
export interface ArchiveLimits {
  /** Files, directories and links together. */
  readonly maxEntries: number;
  /** Sum of the sizes of all files. */
  readonly maxExtractedBytes: number;
  /** Sum of the lengths of all paths and link targets; `MAX_NAME_BYTES` when absent. */
  readonly maxNameBytes?: number;
}

/** For archives that were checked before and are only unpacked again. */
export const NO_LIMITS: ArchiveLimits = {
  maxEntries: Infinity,
  maxExtractedBytes: Infinity,
  maxNameBytes: Infinity,
};

/**
 * Longest path of an entry, in bytes. Linux resolves paths of up to 4,096 bytes (PATH_MAX); the rest
 * is for the directory in which an archive is unpacked.
 */
export const MAX_PATH_BYTES = 3072;

/** The rules keep every path of an archive in memory: this bounds how much that can be. */
export const MAX_NAME_BYTES = 64 * 1024 ** 2;

/**
 * What the server accepts as the result of a job: a little more entries than an agent's default for a
 * workspace. The size of the files needs no limit here: a result is a plain tar, so they add up to no
 * more than the file itself.
 */
export const RESULT_LIMITS: ArchiveLimits = {
  maxEntries: 1_100_000,
  maxExtractedBytes: Infinity,
  maxNameBytes: 256 * 1024 ** 2,
};
