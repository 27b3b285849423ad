import { isUtf8 } from "node:buffer";
import { closeSync } from "node:fs";

import { JobctlError, RESERVED_FOLDER } from "@jobctl/protocol";

import { describeDescriptor, type Directory } from "./directory.js";
import { EntryRules } from "./entry-rules.js";
import { MAX_PATH_BYTES, RESULT_LIMITS } from "./limits.js";
import { symlinkStaysInside } from "./links.js";
import { isResourceError } from "./resource-error.js";
import { readExactly } from "./read-exactly.js";
import { TYPE_NAMES, encodeHeader, entrySize, padding, type PackEntry } from "./encode-header.js";
import { walkTree, type Access, type TreeEntry } from "./walk-tree.js";

/** What of a tree is packed. */
export interface TreeSelection {
  /** Whether an entry is asked for, by its path. */
  readonly wanted: (path: string) => boolean;
  /**
   * How directories and files that their owner may not read are opened. Default: they are left out,
   * because the job may still be running.
   */
  readonly access?: Access;
  /** Most entries that are packed, and most names of one directory that are read. */
  readonly maxEntries: number;
  /** Called with what is left out although it was there, and why. The path describes it only. */
  readonly onSkipped?: (path: () => string, reason: string) => void;
  /** Called with the path that stands for a name that is not UTF-8, and the name's bytes. */
  readonly onRenamed?: (path: string, name: Buffer) => void;
}

interface Selected {
  readonly header: PackEntry;
  readonly source: TreeEntry;
  /** To be called once it is in the archive: only then other names of the file can be links to it. */
  readonly packed: () => void;
}

/** Left for the reserved folder and what jobctl puts there. */
const RESERVED_ENTRIES = 16;

/** Owners have to be able to read what they are to pack. */
const READ_BIT = 0o400;
/**
 * Goes through a tree as `packTree` would, without reading the content of files.
 *
 * @returns the size of the archive in bytes, without its end
 */
export async function measureTree(root: Directory, selection: TreeSelection): Promise<number> {
  let sizeBytes = 0;
  for await (const { header, packed } of selectEntries(root, selection)) {
    sizeBytes += entrySize(header);
    packed();
  }
  return sizeBytes;
}

/**
 * A plain tar of a tree that a job may be changing, without its end. Every entry is looked at,
 * opened and read through the descriptor of its directory, so that the archive holds nothing from
 * outside of the tree. What could not be unpacked safely elsewhere is skipped, and so is what is
 * swapped or removed meanwhile.
 *
 * @param maxBytes most that the archive may have
 * @throws JobctlError `archive_too_large`, and `archive_invalid` when a large file shrinks while it is read
 */
export async function* packTree(
  root: Directory,
  selection: TreeSelection,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  let sizeBytes = 0;
  for await (const selected of selectEntries(root, selection)) {
    for await (const piece of packSelected(selected, selection)) {
      sizeBytes += piece.length;
      if (sizeBytes > maxBytes) throw treeTooLarge(maxBytes);
      yield piece;
    }
  }
}

/** What is said of a tree whose archive would be too large. */
function treeTooLarge(maxBytes: number): JobctlError {
  return new JobctlError(
    "archive_too_large",
    `the archive would have more than ${maxBytes} bytes, the limit`,
    { details: { limitBytes: maxBytes } },
  );
}

async function* packSelected(
  { header, source, packed }: Selected,
  { access, onSkipped }: TreeSelection,
): AsyncGenerator<Buffer> {
  if (header.type !== "file") {
    yield encodeHeader(header);
    return;
  }
  let descriptor: number;
  try {
    descriptor = openReadable(source, access !== undefined);
  } catch (error) {
    const reason = unreadable(error);
    onSkipped?.(source.path, reason);
    return;
  }
  try {
    const { identity, sizeBytes } = describeDescriptor(descriptor);
    if (identity !== source.identity) {
      onSkipped?.(source.path, "it was swapped while it was being read");
      return;
    }
    const file = { ...header, sizeBytes };
    // The first piece is read before the header leaves: a small file is right, or not there at all.
    const pieces = readExactly(descriptor, file);
    let first: Buffer;
    try {
      const { value } = await pieces.next();
      first = value ?? Buffer.alloc(0);
    } catch (error) {
      const reason = unreadable(error);
      onSkipped?.(source.path, reason);
      return;
    }
    yield Buffer.concat([encodeHeader(file), first]);
    yield* pieces;
    yield padding(sizeBytes);
    packed();
  } finally {
    closeSync(descriptor);
  }
}

function openReadable({ parent, name, mode }: TreeEntry, mayChange: boolean): number {
  if (mayChange && (mode & READ_BIT) === 0) parent.changeMode(name, mode | READ_BIT);
  return parent.openFile(name);
}

async function* selectEntries(root: Directory, selection: TreeSelection): AsyncGenerator<Selected> {
  const { access, maxEntries, onSkipped, onRenamed } = selection;
  const maxCount = Math.min(maxEntries, RESULT_LIMITS.maxEntries - RESERVED_ENTRIES);
  let count = 0;
  const rules = new EntryRules(RESULT_LIMITS);
  const firstNames = new Map<string, string>();
  const entries = walkTree(root, {
    ...(access === undefined ? {} : { access }),
    maxNames: maxEntries,
    keep(entry) {
      const reason = reasonToPrune(entry);
      if (reason !== null) onSkipped?.(entry.path, reason);
      return reason === null;
    },
    unordered: true,
    onProblem(path, error) {
      const reason = unreadable(error);
      onSkipped?.(path, reason);
    },
  });
  for await (const source of entries) {
    const path = source.path();
    const header = describe(source, path, firstNames.get(source.identity));
    if (typeof header === "string") {
      onSkipped?.(source.path, header);
      continue;
    }
    if (!selection.wanted(path)) continue;
    if (count === maxCount) {
      onSkipped?.(source.path, `it and what follows are more than ${maxCount} entries`);
      return;
    }
    count += 1;
    try {
      rules.check({
        path,
        type: TYPE_NAMES[header.type],
        size: header.sizeBytes,
        mode: header.mode,
        linkpath: header.linkTarget ?? undefined,
      });
    } catch (error) {
      onSkipped?.(source.path, reasonOf(error));
      continue;
    }
    if (!isUtf8(source.name)) onRenamed?.(path, source.name);
    const packed = (): void => {
      if (header.type === "file" && source.links > 1) firstNames.set(source.identity, path);
    };
    yield { header, source, packed };
  }
}

/** Why neither an entry nor what is below it is packed. */
function reasonToPrune({ name, pathBytes, path }: TreeEntry): string | null {
  if (pathBytes > MAX_PATH_BYTES) return `its path is longer than ${MAX_PATH_BYTES} bytes`;
  if (name.toString("latin1") === RESERVED_FOLDER && path() === RESERVED_FOLDER)
    return "the name is reserved";
  return null;
}

/** @returns the entry, or why it is not packed */
function describe(
  source: TreeEntry,
  path: string,
  firstName: string | undefined,
): PackEntry | string {
  const { type, mode, modifiedAt, name, parent } = source;
  const base = { path, sizeBytes: 0, linkTarget: null, modifiedAt: new Date(0) };
  switch (type) {
    case "other":
      return "not a file, directory or link";
    case "directory":
      return { ...base, type, mode: mode | 0o700 };
    case "file":
      if (firstName !== undefined)
        return { ...base, type: "hardlink", mode, linkTarget: firstName };
      return { ...base, type, mode: mode | READ_BIT, sizeBytes: source.sizeBytes, modifiedAt };
    case "symlink": {
      const target = readLink(parent, name);
      if (target === null) return "it was swapped while it was being read";
      if (!isUtf8(target)) return "a symlink to a name that is not UTF-8";
      const linkTarget = target.toString("utf8");
      if (!symlinkStaysInside(path, linkTarget))
        return `a symlink out of the workspace, to ${JSON.stringify(linkTarget.slice(0, 200))}`;
      return { ...base, type, mode: 0o777, linkTarget };
    }
  }
}

function readLink(parent: Directory, name: Buffer): Buffer | null {
  try {
    return parent.readLink(name);
  } catch {
    return null;
  }
}

/**
 * @returns why an entry is left out
 * @throws what is the fault of this machine: then it must not be left out
 */
function unreadable(error: unknown): string {
  if (isResourceError(error)) throw error;
  return `it cannot be read: ${reasonOf(error)}`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  // The system's own message names the path through which it was reached.
  return error instanceof JobctlError || code === undefined ? error.message : code;
}
