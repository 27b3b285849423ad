import { dirname } from "node:path";

import { JobctlError } from "@jobctl/protocol";
import Database from "better-sqlite3";

import type { Around } from "./wrap-statements.js";

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
 * Turns SQLite's reports of damage into `database_damaged`.
 *
 * @param onDamage told each time
 */
export function translateDamage(path: string, onDamage: (error: JobctlError) => void): Around {
  return (work) => {
    try {
      return work();
    } catch (error) {
      if (!isDamage(error)) throw error;
      const damage = damagedDatabase(path, error);
      onDamage(damage);
      throw damage;
    }
  };
}
