import { dirname } from "node:path";

import { JobctlError } from "@jobctl/protocol";
import Database from "better-sqlite3";

import type { Db } from "./database.js";

/** Whether SQLite found that a file is not a database, or not a sound one. */
export function isDamage(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);
}

/** The error for a database that cannot be trusted, with the way back. */
export function damagedDatabase(path: string, cause: unknown): JobctlError {
  return new JobctlError(
    "database_damaged",
    `the database ${path} is damaged: ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      hint: `Stop the server and restore the newest good backup: jobctl backup verify BACKUP, then jobctl restore BACKUP/latest --data ${dirname(path)} --force --take-over.`,
      ...(cause instanceof Error ? { cause } : {}),
    },
  );
}

/**
 * Turns SQLite's reports of damage into `database_damaged`, for every statement that is prepared from
 * here on.
 *
 * @param onDamage told the first time
 */
export function translateDamage(db: Db, onDamage: (error: JobctlError) => void): void {
  const translated =
    <Args extends unknown[], Result>(call: (...args: Args) => Result) =>
    (...args: Args): Result => {
      try {
        return call(...args);
      } catch (error) {
        if (!isDamage(error)) throw error;
        const damage = damagedDatabase(db.name, error);
        onDamage(damage);
        throw damage;
      }
    };
  const prepare = db.prepare.bind(db);
  const prepareTranslated = (sql: string): Database.Statement => {
    const statement = prepare(sql);
    return Object.assign(statement, {
      run: translated(statement.run.bind(statement)),
      get: translated(statement.get.bind(statement)),
      all: translated(statement.all.bind(statement)),
    });
  };
  Object.assign(db, { prepare: translated(prepareTranslated) });
}
