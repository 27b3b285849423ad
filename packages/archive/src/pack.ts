import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

import { JobctlError } from "@jobctl/protocol";
import { Header, Pax } from "tar";

import type { Entry } from "./entry.js";
import type { FoundEntry } from "./walk.js";

const BLOCK = 512;
const READ_BYTES = 256 * 1024;

/** An entry to be packed. */
export interface PackEntry extends Omit<Entry, "linkTarget"> {
  readonly linkTarget: string | null;
  readonly modifiedAt: Date;
}

/**
 * Makes of what a walk found what goes into an archive: the second name of a file becomes a hard
 * link, and a directory loses its time, which changes with every file that comes and goes in it.
 * Devices, fifos and sockets are not for packing: the caller has left them out.
 */
export function toPackEntries(found: readonly FoundEntry[]): PackEntry[] {
  const firstName = new Map<string, string>();
  return found.flatMap((entry): PackEntry[] => {
    if (entry.type === "other") return [];
    const original = entry.inode === null ? undefined : firstName.get(entry.inode);
    if (entry.inode !== null && original === undefined) firstName.set(entry.inode, entry.path);
    return [
      {
        path: entry.path,
        type: original === undefined ? entry.type : "hardlink",
        sizeBytes: original === undefined ? entry.sizeBytes : 0,
        mode: entry.type === "symlink" ? 0o777 : entry.mode,
        linkTarget: original ?? entry.linkTarget,
        // Only of files the time is kept when they are unpacked.
        modifiedAt: entry.type === "file" ? entry.modifiedAt : new Date(0),
      },
    ];
  });
}

/** Size of the archive that `pack` makes of these entries, in bytes. */
export function packedSize(entries: readonly PackEntry[]): number {
  return entries.reduce(
    (sum, entry) => sum + encodeHeader(entry).length + padded(entry.sizeBytes),
    2 * BLOCK,
  );
}

/**
 * A plain tar of the entries, as a stream. It holds names, types, modes, sizes, links and times of
 * files, and neither owners nor anything else of this machine: the same tree gives the same bytes.
 *
 * Plain, because then a single file of a result can be served from its offset, because a digest
 * does not depend on a compressor's version, and because compressing costs more time than sending
 * on the networks that jobs run in.
 *
 * @param pathOf where the content of an entry lies, when that is not at its own path below the root
 * @throws JobctlError `archive_invalid` when a file shrinks while it is being read
 */
export async function* pack(
  root: string,
  entries: readonly PackEntry[],
  pathOf: (entry: PackEntry) => string = (entry) => join(root, entry.path),
): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    yield encodeHeader(entry);
    if (entry.type !== "file" || entry.sizeBytes === 0) continue;
    yield* readExactly(pathOf(entry), entry);
    const padding = padded(entry.sizeBytes) - entry.sizeBytes;
    if (padding > 0) yield Buffer.alloc(padding);
  }
  yield Buffer.alloc(2 * BLOCK);
}

const TYPE_NAMES = {
  file: "File",
  directory: "Directory",
  symlink: "SymbolicLink",
  hardlink: "Link",
} as const;

function encodeHeader(entry: PackEntry): Buffer {
  const path = entry.type === "directory" ? `${entry.path}/` : entry.path;
  const fields = {
    path,
    mode: entry.mode,
    size: entry.sizeBytes,
    mtime: new Date(Math.floor(entry.modifiedAt.getTime() / 1000) * 1000),
    ...(entry.linkTarget === null ? {} : { linkpath: entry.linkTarget }),
  };
  const header = new Header({ ...fields, type: TYPE_NAMES[entry.type] });
  const block = Buffer.alloc(BLOCK);
  const needsPax = header.encode(block, 0);
  if (!needsPax) return block;
  const { mtime: _time, ...paxFields } = fields;
  return Buffer.concat([new Pax(paxFields).encode(), block]);
}

/** A log that is still being written may grow while it is read; what was announced is what counts. */
async function* readExactly(path: string, entry: PackEntry): AsyncGenerator<Buffer> {
  const file = await open(path, "r");
  try {
    // While a piece is being passed on, the next one is read.
    let reading = readPiece(file, entry.sizeBytes);
    for (let left = entry.sizeBytes; left > 0;) {
      const piece = await reading;
      if (piece.length === 0) throw becameShorter(entry);
      left -= piece.length;
      if (left > 0) {
        reading = readPiece(file, left);
        reading.catch(() => {});
      }
      yield piece;
    }
    await reading;
  } finally {
    await file.close();
  }
}

async function readPiece(file: FileHandle, left: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(READ_BYTES, left)));
  return buffer.subarray(0, bytesRead);
}

function becameShorter(entry: PackEntry): JobctlError {
  return new JobctlError(
    "archive_invalid",
    `${JSON.stringify(entry.path)} became shorter while it was being packed`,
    { hint: "Try again when nothing writes to it.", details: { entry: entry.path } },
  );
}

function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK) * BLOCK;
}
