export type { Entry, EntryType, RawEntry } from "./entry.js";
export { EntryRules, type ArchiveSummary } from "./entry-rules.js";
export { inspectArchive } from "./inspect.js";
export { NO_LIMITS, type ArchiveLimits } from "./limits.js";
export { symlinkStaysInside } from "./links.js";
export { pack, packedSize, toPackEntries, type PackEntry } from "./pack.js";
export { findInTar, indexTar, type IndexedEntry } from "./tar-index.js";
export { unpackArchive } from "./unpack.js";
export { walk, walkAll, type FoundEntry } from "./walk.js";
