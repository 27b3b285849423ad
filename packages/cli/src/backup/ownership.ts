import { constants } from "node:fs";
import { lstat, open, readdir, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";

/** To whom a file belongs. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * Whose the data are to be that root restores: the owner's of the directory, or of the one that it is made in. Null
 * when that is root, or when somebody else restores, who can give nothing away.
 */
export async function ownerFor(path: string): Promise<Owner | null> {
  if (process.geteuid?.() !== 0) return null;
  for (let at = path; ; at = dirname(at)) {
    const found = await stat(at).catch(() => null);
    if (found !== null) return found.uid === 0 ? null : { uid: found.uid, gid: found.gid };
    if (dirname(at) === at) return null;
  }
}

/**
 * Gives a tree to its owner, the directory itself last. It has to belong to this user, and nobody else may be
 * able to write to it until then.
 *
 * @param depth `top` for the directory alone
 */
export async function giveTree(
  path: string | null,
  owner: Owner | null,
  depth: "top" | "all" = "all",
): Promise<void> {
  if (path === null || owner === null) return;
  const directory = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    // By its descriptor: whoever may write to the directory above can put another one behind its name.
    const pinned = process.platform === "linux" ? `/proc/${process.pid}/fd/${directory.fd}` : path;
    if (depth === "all") await giveEntries(pinned, owner);
    await giveTo(owner, directory);
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function giveEntries(path: string, owner: Owner): Promise<void> {
  for (const name of await readdir(path)) {
    const entry = join(path, name);
    if ((await lstat(entry)).isDirectory()) await giveEntries(entry, owner);
    const file = await open(entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    await giveTo(owner, file).finally(() => file.close());
  }
}

/** By its descriptor: the server's user can put another file behind a name of its data directory. */
export async function giveTo({ uid, gid }: Owner, file: FileHandle): Promise<void> {
  const made = await file.stat();
  if (made.uid !== uid || made.gid !== gid) await file.chown(uid, gid);
}

/**
 * Does something in a directory that is root's alone meanwhile, so that its owner can put nothing else behind a
 * name in it.
 *
 * @param owner to whom it belongs; null when nothing has to be done about that
 */
export async function withOwnDirectory<T>(
  path: string,
  owner: Owner | null,
  work: () => Promise<T>,
): Promise<T> {
  if (owner === null) return work();
  const directory = await open(path, O_RDONLY | O_DIRECTORY);
  try {
    const { mode } = await directory.stat();
    await directory.chown(0, owner.gid);
    await directory.chmod(0o700);
    try {
      return await work();
    } finally {
      await directory.chmod(mode & 0o7777);
      await giveTo(owner, directory);
    }
  } finally {
    await directory.close();
  }
}
