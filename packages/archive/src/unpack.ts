import { chmod } from "node:fs/promises";
import { join } from "node:path";

import { JobctlError, toJobctlError } from "@jobctl/protocol";
import { Unpack } from "tar";

import { archiveInvalid } from "./archive-invalid.js";
import type { Entry, RawEntry } from "./entry.js";
import { EntryRules } from "./entry-rules.js";
import { plainTar } from "./decompress.js";
import type { ArchiveLimits } from "./limits.js";
import { scanTar } from "./scan-tar.js";
import { feed } from "./tar-feed.js";
import { WholeSource } from "./whole-source.js";

export interface UnpackOptions {
  readonly limits: ArchiveLimits;
  /** Top-level folder whose content is unpacked in place of itself; empty for none. */
  readonly root?: string;
  /** Entries for which it returns false are left out. */
  readonly filter?: (entry: Entry) => boolean;
}

/**
 * Unpacks an archive into an existing, empty directory, while it streams in. The rules are applied
 * before anything of an entry is written. Owners are not restored, permission bits are. What follows
 * the end mark is read, and neither decompressed nor looked at.
 *
 * @throws JobctlError with the code of the first rule that is broken, or `archive_invalid`; what
 *   has been written by then is for the caller to remove
 */
export async function unpackArchive(
  source: AsyncIterable<Buffer>,
  directory: string,
  options: UnpackOptions,
): Promise<void> {
  const rules = new EntryRules(options.limits);
  const root = options.root ?? "";
  const masked: { path: string; mode: number }[] = [];
  const umask = process.umask();
  let broken: Error | undefined;
  /** Entries that have passed the rules, and that the library has not come to yet. */
  const checked: { raw: RawEntry; entry: Entry | null }[] = [];
  const whole = new WholeSource(source);
  const tar = scanTar(plainTar(whole), (raw) => checked.push({ raw, entry: rules.check(raw) }));
  const unpack = new Unpack({
    cwd: directory,
    strict: true,
    preserveOwner: false,
    maxDepth: Infinity,
    maxDecompressionRatio: Infinity,
    filter: (_path, raw) => {
      if (broken !== undefined || !("type" in raw)) return false;
      try {
        const entry = sameEntry(checked.shift(), raw);
        if (entry === null || options.filter?.(entry) === false) return false;
        const inside = belowRoot(entry.path, root);
        if (inside === null) return false;
        raw.path = inside;
        raw.mode = entry.mode;
        const restorable = entry.type === "file" || entry.type === "directory";
        if (restorable && (entry.mode & umask) !== 0)
          masked.push({ path: inside, mode: entry.mode });
        if (entry.type === "hardlink") raw.linkpath = belowRoot(entry.linkTarget ?? "", root) ?? "";
        if (entry.type === "symlink") raw.linkpath = entry.linkTarget ?? "";
        return true;
      } catch (error) {
        broken = toJobctlError(error);
        return false;
      }
    },
  });
  try {
    await feed(tar, unpack, () => broken);
    await whole.drain();
  } catch (error) {
    whole.abandon();
    throw error;
  }
  // The library leaves permission bits to the umask; what it took away is given back.
  for (const { path, mode } of masked) await chmod(join(directory, path), mode);
}

/**
 * The entry that was checked, which has to be the one that the library is about to write: names are
 * taken from the check, and sizes and types have to agree.
 */
function sameEntry(
  next: { raw: RawEntry; entry: Entry | null } | undefined,
  found: { readonly type: string; readonly size: number },
): Entry | null {
  if (next === undefined || next.raw.type !== found.type || next.raw.size !== found.size)
    throw archiveInvalid("its headers contradict each other");
  return next.entry;
}

/** The path below the root; null for the root itself. */
function belowRoot(path: string, root: string): string | null {
  if (root === "") return path;
  if (path === root) return null;
  if (!path.startsWith(`${root}/`)) {
    throw new JobctlError(
      "archive_unsafe_entry",
      `entry ${JSON.stringify(path)} lies outside of ${JSON.stringify(root)}`,
      {
        details: { entry: path },
      },
    );
  }
  return path.slice(root.length + 1);
}
