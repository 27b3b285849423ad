import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";

import type { EntryType } from "./entry.js";

/** Something found in a directory tree. */
export interface FoundEntry {
  /** Relative to the tree's root, `/` between segments. */
  readonly path: string;
  /** `other` is a device, a fifo or a socket. */
  readonly type: Exclude<EntryType, "hardlink"> | "other";
  readonly sizeBytes: number;
  /** What it takes on the disk; of a sparse file less than its size. */
  readonly allocatedBytes: number;
  readonly mode: number;
  readonly modifiedAt: Date;
  readonly linkTarget: string | null;
  /** The same for two names of one file; null when it has only one. */
  readonly inode: string | null;
}

export interface WalkOptions {
  /** Called once a directory, before `keep` is asked about what is in it. */
  readonly enter?: (directory: string) => Promise<void>;
  /** Entries for which it returns false are left out; of a directory, everything in it. */
  readonly keep?: (path: string, isDirectory: boolean) => boolean;
}

/**
 * Everything below a directory, parents before children and names in byte order, so that the
 * order depends on nothing but the names. Links are not followed.
 */
export async function* walk(root: string, options: WalkOptions = {}): AsyncGenerator<FoundEntry> {
  yield* walkDirectory(root, "", options);
}

/** The same as a list. */
export async function walkAll(root: string, options: WalkOptions = {}): Promise<FoundEntry[]> {
  const found: FoundEntry[] = [];
  for await (const entry of walk(root, options)) found.push(entry);
  return found;
}

async function* walkDirectory(
  root: string,
  directory: string,
  options: WalkOptions,
): AsyncGenerator<FoundEntry> {
  await options.enter?.(directory);
  const names = await readdir(join(root, directory), { withFileTypes: true });
  names.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  for (const name of names) {
    const path = directory === "" ? name.name : `${directory}/${name.name}`;
    if (options.keep?.(path, name.isDirectory()) === false) continue;
    const found = await describe(root, path);
    yield found;
    if (found.type === "directory") yield* walkDirectory(root, path, options);
  }
}

async function describe(root: string, path: string): Promise<FoundEntry> {
  const absolute = join(root, path);
  const stat = await lstat(absolute);
  const type = stat.isFile()
    ? "file"
    : stat.isDirectory()
      ? "directory"
      : stat.isSymbolicLink()
        ? "symlink"
        : "other";
  return {
    path,
    type,
    sizeBytes: type === "file" ? stat.size : 0,
    allocatedBytes: stat.blocks * 512,
    mode: stat.mode & 0o777,
    modifiedAt: stat.mtime,
    linkTarget: type === "symlink" ? await readlink(absolute) : null,
    inode: type === "file" && stat.nlink > 1 ? `${stat.dev}:${stat.ino}` : null,
  };
}
