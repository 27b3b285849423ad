import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";

import { JobctlError } from "@jobctl/protocol";

import type { DataPaths } from "./data-folder.js";

/** What lies in a data folder and has to be usable. */
const ENTRIES = ["installation.json", "blobs", "blobs/sha256", "tmp"] as const;

/**
 * Refuses data of another user that this one may not use, such as files that were copied as root.
 *
 * @throws JobctlError `config_invalid` that says whose they are
 */
export function requireOwnData({ dataPath, dbPath }: DataPaths): void {
  const uid = process.geteuid?.();
  if (uid === undefined) return;
  const paths = [dataPath, dbPath, ...ENTRIES.map((name) => join(dataPath, name))];
  for (const path of paths) {
    const owner = ownerOfUnusable(path);
    if (owner === null || owner === uid) continue;
    const gid = process.getegid?.() ?? uid;
    throw new JobctlError(
      "config_invalid",
      `${path} belongs to ${nameOf(owner)}, and the server runs as ${nameOf(uid)}, who may not use it`,
      {
        hint: `Give it to the server's user, as root: chown -R ${uid}:${gid} ${paths.slice(0, 2).includes(path) ? path : dataPath}`,
        details: { path, owner, uid },
      },
    );
  }
}

/** Null for what this user can read and write, and for what cannot be looked at. */
function ownerOfUnusable(path: string): number | null {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return null;
    const { R_OK, W_OK, X_OK } = constants;
    try {
      accessSync(path, R_OK | W_OK | (found.isDirectory() ? X_OK : 0));
      return null;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EACCES" ? found.uid : null;
    }
  } catch {
    return null;
  }
}

const nameOf = (uid: number): string => (uid === 0 ? "root" : `user ${uid}`);
