import { Header, Pax } from "tar";

import type { Entry } from "./entry.js";
import { BLOCK, padded } from "./tar-headers.js";

/** Two empty blocks end an archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK);

/** An entry to be packed. */
export interface PackEntry extends Entry {
  readonly modifiedAt: Date;
}

/** How the tar library names the types of entries. */
export const TYPE_NAMES = {
  file: "File",
  directory: "Directory",
  symlink: "SymbolicLink",
  hardlink: "Link",
} as const;

/** The header of an entry, with an extended one before it where a field does not fit. */
export function encodeHeader(entry: PackEntry): Buffer {
  const path = entry.type === "directory" ? `${entry.path}/` : entry.path;
  const fields = {
    path,
    mode: entry.mode,
    size: entry.sizeBytes,
    mtime: wholeSeconds(entry.modifiedAt),
    ...(entry.linkTarget === null ? {} : { linkpath: entry.linkTarget }),
  };
  const header = new Header({ ...fields, type: TYPE_NAMES[entry.type] });
  const block = Buffer.alloc(BLOCK);
  const needsPax = header.encode(block, 0);
  if (!needsPax) return block;
  const { mtime: _time, ...paxFields } = fields;
  return Buffer.concat([new Pax(paxFields).encode(), block]);
}

/** Largest time that fits into the field of a header: eleven octal digits of seconds. */
const MAX_SECONDS = 0o77777777777;

function wholeSeconds(time: Date): Date {
  const seconds = Math.floor(time.getTime() / 1000) || 0;
  return new Date(Math.min(Math.max(0, seconds), MAX_SECONDS) * 1000);
}

/** What an entry takes in an archive, in bytes. */
export function entrySize(entry: PackEntry): number {
  return encodeHeader(entry).length + padded(entry.sizeBytes);
}

/** What fills the last block of a content. */
export function padding(sizeBytes: number): Buffer {
  return Buffer.alloc(padded(sizeBytes) - sizeBytes);
}
