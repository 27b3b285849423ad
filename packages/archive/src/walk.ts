import { isUtf8 } from "node:buffer";

import { Directory, type EntryStats } from "./directory.js";
import { fileNameText } from "./file-name.js";
import { walkTree } from "./walk-tree.js";

/** Something found in a directory tree. */
export interface FoundEntry extends Omit<EntryStats, "identity" | "links"> {
  /** Relative to the tree's root, `/` between segments. */
  readonly path: string;
  /** False when its name or what it links to is not UTF-8; `path` and `linkTarget` then only describe it. */
  readonly isText: boolean;
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
 * Everything below a directory of the present user, parents before children and names in byte
 * order, so that the order depends on nothing but the names. Links are not followed.
 */
export async function* walk(root: string, options: WalkOptions = {}): AsyncGenerator<FoundEntry> {
  const { enter, keep } = options;
  const directory = Directory.open(root);
  try {
    const entries = walkTree(directory, {
      ...(enter === undefined ? {} : { enter: (path) => enter(path()) }),
      ...(keep === undefined
        ? {}
        : { keep: (entry) => keep(entry.path(), entry.type === "directory") }),
    });
    for await (const { identity, links, name, parent, pathBytes: _, path, ...stats } of entries) {
      const target = stats.type === "symlink" ? parent.readLink(name) : null;
      yield {
        ...stats,
        path: path(),
        isText: isUtf8(name) && (target === null || isUtf8(target)),
        linkTarget: target === null ? null : fileNameText(target),
        inode: stats.type === "file" && links > 1 ? identity : null,
      };
    }
  } finally {
    directory.close();
  }
}

/** The same as a list. */
export async function walkAll(root: string, options: WalkOptions = {}): Promise<FoundEntry[]> {
  const found: FoundEntry[] = [];
  for await (const entry of walk(root, options)) found.push(entry);
  return found;
}
