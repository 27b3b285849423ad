/** What an entry of a job archive can be. Devices, fifos and sockets cannot. */
export type EntryType = "file" | "directory" | "symlink" | "hardlink";

/** A header of a tar archive, as far as the rules look at it. */
export interface RawEntry {
  /** Path as written in the archive. */
  readonly path: string;
  /** The tar library's name of the entry type, such as `File` or `CharacterDevice`. */
  readonly type: string;
  readonly size: number;
  readonly mode: number;
  /** Target of a link, as written in the archive. */
  readonly linkpath: string | undefined;
}

/** An entry that has passed the rules. */
export interface Entry {
  /** Relative, normalised, `/` between segments, without a leading `./` or trailing `/`. */
  readonly path: string;
  readonly type: EntryType;
  readonly sizeBytes: number;
  readonly mode: number;
  /** For a symlink as written; for a hard link the normalised path of the other entry. */
  readonly linkTarget: string | null;
}
