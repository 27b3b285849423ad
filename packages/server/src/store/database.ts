import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

import { JobctlError } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { keepPrivate } from "./keep-private.js";
import { migrate } from "./migrate.js";

export type Db = Database.Database;

/** Runs something that writes; what SQLite refuses it with becomes an error for clients. */
export type Guarded = <T>(work: () => T) => T;

/**
 * Opens the database and brings its schema up to date.
 *
 * WAL, so that readers never wait for the writer; `synchronous=FULL`, so that what has been
 * committed is on disk when the client is told.
 *
 * @throws JobctlError `config_invalid` naming the path, or `database_newer`
 */
export function openDatabase(path: string): Db {
  let db: Db;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    db = new Database(path);
  } catch (error) {
    throw new JobctlError("config_invalid", `the database ${path} cannot be opened`, {
      hint: "Check that the directory exists and that this user may write to it.",
      cause: error,
    });
  }
  keepPrivate(path, `${path}-wal`, `${path}-shm`);
  // Only a database without tables takes this: space can be given back in small pieces.
  db.pragma("auto_vacuum = INCREMENTAL");
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("foreign_keys = ON");
  migrate(db);
  return db;
}

/**
 * Looks at all tables, also those that this connection has not used, and analyzes a sample of those that
 * have grown much. Statistics from a time with few jobs make SQLite scan tables that have many since.
 */
export function optimize(db: Db): void {
  db.pragma("optimize = 0x10012");
}

/** Folds the log into the database, so that a copy or a newer version finds one complete file. */
export function closeDatabase(db: Db): void {
  optimize(db);
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
}
