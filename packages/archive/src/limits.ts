/** What an archive may hold. */
export interface ArchiveLimits {
  /** Files, directories and links together. */
  readonly maxEntries: number;
  /** Sum of the sizes of all files. */
  readonly maxExtractedBytes: number;
}

/** For archives that were checked before and are only unpacked again. */
export const NO_LIMITS: ArchiveLimits = { maxEntries: Infinity, maxExtractedBytes: Infinity };

/**
 * Longest path of an entry in bytes. PATH_MAX is 4,096 bytes on Linux; the rest is for the place
 * where an archive is unpacked.
 */
export const MAX_PATH_BYTES = 3072;
