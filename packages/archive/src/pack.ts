import { closeSync } from "node:fs";
import { join } from "node:path";

import { JobctlError } from "@jobctl/protocol";

import { openRegularFile } from "./open-regular-file.js";
import { readExactly } from "./read-exactly.js";
import { TAR_END, encodeHeader, entrySize, padding, type PackEntry } from "./encode-header.js";
import type { FoundEntry } from "./walk.js";

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
  return entries.reduce((sum, entry) => sum + entrySize(entry), TAR_END.length);
}

/**
 * A plain tar of the entries, as a stream. It holds names, types, modes, sizes, links and times of
 * files, and neither owners nor anything else of this machine: the same tree gives the same bytes.
 *
 * Plain, because then a single file of a result can be served from its offset, because a digest
 * does not depend on a compressor's version, and because compressing costs more time than sending
 * on the networks that jobs run in.
 *
 * The tree belongs to the present user: entries are opened by path. `packTree` packs trees that a
 * job may be changing.
 *
 * @param pathOf where the content of an entry lies, when that is not at its own path below the root
 * @throws JobctlError `archive_invalid` when a file shrinks while it is being read, or is no longer a regular file
 */
export async function* pack(
  root: string,
  entries: readonly PackEntry[],
  pathOf: (entry: PackEntry) => string = (entry) => join(root, entry.path),
): AsyncGenerator<Buffer> {
  yield* packEntries(entries, pathOf);
  yield TAR_END;
}

/** The same without the end of the archive. */
export async function* packEntries(
  entries: readonly PackEntry[],
  pathOf: (entry: PackEntry) => string,
): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    yield encodeHeader(entry);
    if (entry.type !== "file" || entry.sizeBytes === 0) continue;
    const descriptor = openFile(pathOf(entry), entry);
    try {
      yield* readExactly(descriptor, entry);
    } finally {
      closeSync(descriptor);
    }
    yield padding(entry.sizeBytes);
  }
}

function openFile(path: string, entry: PackEntry): number {
  try {
    return openRegularFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EINVAL" && code !== "ELOOP") throw error;
    throw new JobctlError(
      "archive_invalid",
      `${JSON.stringify(entry.path)} is no longer a regular file`,
      { hint: "Try again when nothing changes it.", details: { entry: entry.path }, cause: error },
    );
  }
}
