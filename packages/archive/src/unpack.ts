import { chmod } from "node:fs/promises";
import { join } from "node:path";

import { JobctlError, toJobctlError } from "@jobctl/protocol";
import { Unpack } from "tar";

import type { Entry } from "./entry.js";
import { EntryRules } from "./entry-rules.js";
import { plainTar } from "./decompress.js";
import { feed } from "./tar-feed.js";
import type { ArchiveLimits } from "./limits.js";

export interface UnpackOptions {
  readonly limits: ArchiveLimits;
  /** Top-level folder whose content is unpacked in place of itself; empty for none. */
  readonly root?: string;
  /** Entries for which it returns false are left out. */
  readonly filter?: (entry: Entry) => boolean;
}

/**
 * Unpacks an archive into an existing, empty directory, while it streams in. The rules are applied
 * before anything of an entry is written. Owners are not restored, permission bits are.
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
  const unpack = new Unpack({
    cwd: directory,
    strict: true,
    preserveOwner: false,
    maxDepth: Infinity,
    maxDecompressionRatio: Infinity,
    filter: (path, raw) => {
      if (broken !== undefined || !("type" in raw)) return false;
      try {
        const entry = rules.check({
          path,
          type: raw.type,
          size: raw.size,
          mode: raw.mode ?? 0,
          linkpath: raw.linkpath,
        });
        if (entry === null || options.filter?.(entry) === false) return false;
        const inside = belowRoot(entry.path, root);
        if (inside === null) return false;
        raw.path = inside;
        raw.mode = entry.mode;
        const restorable = entry.type === "file" || entry.type === "directory";
        if (restorable && (entry.mode & umask) !== 0)
          masked.push({ path: inside, mode: entry.mode });
        if (entry.type === "hardlink") raw.linkpath = belowRoot(entry.linkTarget ?? "", root) ?? "";
        return true;
      } catch (error) {
        broken = toJobctlError(error);
        return false;
      }
    },
  });
  await feed(plainTar(source), unpack, () => broken);
  // The library leaves permission bits to the umask; what it took away is given back.
  for (const { path, mode } of masked) await chmod(join(directory, path), mode);
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
