import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { JobctlError } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { keepPrivate } from "./keep-private.js";

/** Makes this process the only server of a data directory, until it ends. */
export interface DataLock {
  release(): void;
}

/**
 * Locks a data directory by an exclusive transaction on a small database in it, which is never
 * committed. The kernel lets go of it together with the process, however that ends, so there is no
 * stale lock to clean up.
 *
 * @throws JobctlError `data_dir_locked`, or `config_invalid` when the directory cannot be written
 */
export function lockDataDirectory(dataPath: string): DataLock {
  let db: Database.Database;
  try {
    mkdirSync(dataPath, { recursive: true, mode: 0o700 });
    const path = join(dataPath, "lock.db");
    db = new Database(path, { timeout: 0 });
    keepPrivate(path);
    db.pragma("journal_mode = DELETE");
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith("SQLITE_BUSY") === true) {
      throw new JobctlError("data_dir_locked", `another jobctl server is running on ${dataPath}`, {
        hint: "Use that server, stop it first, or give this one a data directory of its own.",
        details: { dataPath },
      });
    }
    throw new JobctlError("config_invalid", `the data directory ${dataPath} cannot be used`, {
      hint: "Check that it can be created and that this user may write to it.",
      cause: error,
    });
  }
  return { release: () => db.close() };
}
