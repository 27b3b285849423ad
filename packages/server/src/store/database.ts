import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { JobctlError } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { damagedDatabase, isDamage } from "./damage.js";
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
 * @param onNew called before a database is made where there is none, or only an empty one; may throw to
 *   keep that from happening
 * @throws JobctlError `config_invalid` naming the path, `database_newer`, or `database_damaged`
 */
export function openDatabase(path: string, onNew: () => void = () => {}): Db {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) onNew();
  let db: Db;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    db = connect(path);
  } catch (error) {
    throw new JobctlError("config_invalid", `the database ${path} cannot be opened`, {
      hint: "Check that the directory exists and that this user may write to it.",
      cause: error,
    });
  }
  keepPrivate(path, `${path}-wal`, `${path}-shm`);
  try {
    setUp(db, onNew);
    return db;
  } catch (error) {
    db.close();
    if (isFull(error)) throw cannotBeSetUp(path, error);
    throw isDamage(error) ? damagedDatabase(path, error) : error;
  }
}

/**
 * The index of the log is shared memory in a file of its own. Where there is no space for it the database is
 * used by this connection alone, which keeps the index to itself.
 */
function connect(path: string): Db {
  const db = new Database(path);
  try {
    readSomething(db);
    return db;
  } catch (error) {
    if (!isFull(error)) return db;
    db.close();
    const alone = new Database(path);
    alone.pragma("locking_mode = EXCLUSIVE");
    return alone;
  }
}

const readSomething = (db: Db): unknown => db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get();

/** Whether other connections cannot read the database, because there was no space at the start. */
export function isExclusive(db: Db): boolean {
  return db.pragma("locking_mode", { simple: true }) === "exclusive";
}

/**
 * Lets other connections read the database again. Only a database without a log takes the other mode. What an
 * earlier call had to leave half done is completed.
 */
export function share(db: Db): void {
  if (isExclusive(db)) {
    db.pragma("journal_mode = DELETE");
    db.pragma("locking_mode = NORMAL");
    readSomething(db);
  }
  if (db.pragma("journal_mode", { simple: true }) !== "wal") db.pragma("journal_mode = WAL");
}

function setUp(db: Db, onNew: () => void): void {
  if (db.pragma("user_version", { simple: true }) === 0) {
    onNew();
    // Only a database without tables takes this: space can be given back in small pieces.
    db.pragma("auto_vacuum = INCREMENTAL");
  }
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("foreign_keys = ON");
  migrate(db);
}

/**
 * Looks at all tables, also those that this connection has not used, and analyzes a sample of those that
 * have grown much. Statistics from a time with few jobs make SQLite scan tables that have many since.
 */
export function optimize(db: Db): void {
  db.pragma("optimize = 0x10012");
}

/**
 * Folds the log into the database, so that a copy or a newer version finds one complete file. On a full
 * volume it stays in the log, which the next start reads.
 */
export function closeDatabase(db: Db): void {
  try {
    optimize(db);
    db.pragma("wal_checkpoint(TRUNCATE)");
  } catch (error) {
    if (!isFull(error)) throw error;
  } finally {
    db.close();
  }
}

function isFull(error: unknown): boolean {
  return (
    error instanceof Database.SqliteError && /^SQLITE_(FULL|IOERR_WRITE|IOERR_SHM)/.test(error.code)
  );
}

function cannotBeSetUp(path: string, cause: unknown): JobctlError {
  return new JobctlError("storage_full", `the volume of the database ${path} is full`, {
    hint: `The database was left as it was. Free some space there, 16 MiB will do, or delete the reserve ${path}.reserve, and start again: until its schema is up to date, or its log can be opened, the server cannot use it.`,
    cause,
  });
}
