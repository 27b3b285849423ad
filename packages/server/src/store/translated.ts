import { JobctlError } from "@jobctl/protocol";
import Database from "better-sqlite3";

/** SQLite's reasons for not writing, in words for clients: they may come back later. */
export function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = error instanceof Database.SqliteError ? error.code : "";
    if (code === "SQLITE_FULL") {
      throw new JobctlError("storage_full", "the volume of the server's database is full", {
        hint: "Nothing was stored. Ask the operator to free space, then try again.",
        cause: error,
        retryAfterSeconds: 60,
      });
    }
    if (/^SQLITE_(BUSY|LOCKED|READONLY|IOERR|CANTOPEN)/.test(code)) {
      throw new JobctlError(
        "database_unavailable",
        `the server's database cannot be written: ${code}`,
        {
          hint: "Nothing was stored. Try again in a moment; if it stays so, ask the operator.",
          cause: error,
          retryAfterSeconds: 5,
        },
      );
    }
    throw error;
  }
}
