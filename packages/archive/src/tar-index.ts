import type { FileHandle } from "node:fs/promises";

import { JobctlError } from "@jobctl/protocol";
import { Header, Pax } from "tar";

const BLOCK = 512;
/** Enough for any path that a file system accepts. */
const MAX_PAX_BYTES = 1024 * 1024;

/** An entry of a plain tar file, with the place of its content. */
export interface IndexedEntry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "hardlink";
  readonly sizeBytes: number;
  readonly mode: number;
  readonly modifiedAt: Date | null;
  readonly linkTarget: string | null;
  /** Offset of the first byte of the content in the archive. */
  readonly offset: number;
}

/**
 * The entries of a plain tar, found by hopping from header to header: the content of files is not
 * read, so listing a large archive of few files costs next to nothing.
 *
 * @throws JobctlError `archive_invalid`
 */
export async function* indexTar(file: FileHandle): AsyncGenerator<IndexedEntry> {
  let at = 0;
  let extended: Pax | undefined;
  const block = Buffer.alloc(BLOCK);
  for (;;) {
    const { bytesRead } = await file.read(block, 0, BLOCK, at);
    if (bytesRead < BLOCK) return;
    const header = new Header(block);
    if (header.nullBlock) return;
    if (!header.cksumValid) {
      throw new JobctlError("archive_invalid", `the archive is damaged at byte ${at}`);
    }
    at += BLOCK;
    const sizeBytes = extended?.size ?? header.size ?? 0;
    if (header.type === "ExtendedHeader") {
      extended = await readPax(file, at, sizeBytes);
    } else {
      const entry = describe(header, extended, at, sizeBytes);
      extended = undefined;
      if (entry !== null) yield entry;
    }
    at += Math.ceil(sizeBytes / BLOCK) * BLOCK;
  }
}

/** The entry of this path, hard links followed to the file that holds the content. */
export async function findInTar(file: FileHandle, path: string): Promise<IndexedEntry | null> {
  const wanted = path.replace(/\/+$/, "");
  for await (const entry of indexTar(file)) {
    if (entry.path !== wanted) continue;
    return entry.type === "hardlink" ? findInTar(file, entry.linkTarget ?? "") : entry;
  }
  return null;
}

async function readPax(file: FileHandle, at: number, sizeBytes: number): Promise<Pax> {
  if (sizeBytes > MAX_PAX_BYTES) {
    throw new JobctlError(
      "archive_invalid",
      `the archive has an extended header of ${sizeBytes} bytes`,
    );
  }
  const body = Buffer.alloc(sizeBytes);
  await file.read(body, 0, sizeBytes, at);
  return Pax.parse(body.toString("utf8"));
}

const TYPES: Readonly<Record<string, IndexedEntry["type"]>> = {
  File: "file",
  OldFile: "file",
  Directory: "directory",
  SymbolicLink: "symlink",
  Link: "hardlink",
};

/** @param extended fields that did not fit into the header, and replace its own */
function describe(
  header: Header,
  extended: Pax | undefined,
  offset: number,
  sizeBytes: number,
): IndexedEntry | null {
  const type = TYPES[header.type];
  if (type === undefined) return null;
  return {
    path: (extended?.path ?? header.path ?? "").replace(/\/+$/, ""),
    type,
    sizeBytes: type === "file" ? sizeBytes : 0,
    mode: (header.mode ?? 0) & 0o777,
    modifiedAt: header.mtime ?? null,
    linkTarget:
      type === "symlink" || type === "hardlink"
        ? (extended?.linkpath ?? header.linkpath ?? null)
        : null,
    offset,
  };
}
