import { mkdirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { JobctlError } from "@jobctl/protocol";
import Database from "better-sqlite3";

import type { DataPaths } from "./data-folder.js";
import { keepPrivate } from "./keep-private.js";
import { requireOwnData } from "./require-own.js";

/** Makes this process the only server of a data directory and its database, until it ends. */
export interface DataLock {
  release(): void;
}

/**
 * Locks a data directory, and the database, which several data directories may share by mistake.
 *
 * @throws JobctlError `data_dir_locked`, or `config_invalid` when something of it cannot be used
 */
export function lockServerData(paths: DataPaths): DataLock {
  requireOwnData(paths);
  const { dataPath, dbPath } = paths;
  const folder = lockDataDirectory(dataPath);
  try {
    const database = lockFile(`${realPath(dbPath)}.lock`, {
      what: `database ${dbPath}`,
      inUse: `another jobctl server is using the database ${dbPath}`,
      details: { dbPath },
    });
    return {
      release() {
        database.release();
        folder.release();
      },
    };
  } catch (error) {
    folder.release();
    throw error;
  }
}

/** @throws JobctlError `data_dir_locked`, or `config_invalid` when the directory cannot be written */
export function lockDataDirectory(dataPath: string): DataLock {
  return lockFile(join(dataPath, "lock.db"), {
    what: `data directory ${dataPath}`,
    inUse: `another jobctl server is running on ${dataPath}`,
    details: { dataPath },
  });
}

interface LockWords {
  readonly what: string;
  readonly inUse: string;
  readonly details: Record<string, string>;
}

/**
 * Takes a lock by an exclusive transaction on a small database, which is never committed. The kernel lets
 * go of it together with the process, however that ends, so there is no stale lock to clean up.
 */
function lockFile(path: string, { what, inUse, details }: LockWords): DataLock {
  let db: Database.Database | null = null;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    db = new Database(path, { timeout: 0 });
    keepPrivate(path);
    // A journal in a file would need space; nothing is ever written here.
    db.pragma("journal_mode = MEMORY");
    db.exec("BEGIN EXCLUSIVE");
    const held = db;
    return { release: () => held.close() };
  } catch (error) {
    db?.close();
    if ((error as { code?: string }).code?.startsWith("SQLITE_BUSY") === true) {
      throw new JobctlError("data_dir_locked", inUse, {
        hint: "Use that server, stop it first, or give this one a data directory and a database of its own.",
        details,
      });
    }
    throw new JobctlError("config_invalid", `the ${what} cannot be used`, {
      hint: "Check that its directory can be created and that this user may write to it.",
      cause: error,
    });
  }
}

/** The database itself, however it is reached: links to it lead to one lock. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    try {
      return join(realpathSync(dirname(path)), basename(path));
    } catch {
      return path;
    }
  }
}
