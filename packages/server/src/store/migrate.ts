import { readdirSync, readFileSync } from "node:fs";

import { JobctlError } from "@jobctl/protocol";

import type { Db } from "./database.js";

const DIRECTORY = new URL("../../migrations/", import.meta.url);

const FILES = readdirSync(DIRECTORY)
  .filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name))
  .toSorted();

/** Of a database that this version has written. */
export const SCHEMA_VERSION = FILES.length;

/**
 * Applies the migrations that this database has not seen, each in a transaction of its own. They
 * are numbered without gaps and only go forward; `user_version` is the number of the last one.
 *
 * @throws JobctlError `database_newer` when a later version of jobctl has written it
 */
export function migrate(db: Db): void {
  const current = Number(db.pragma("user_version", { simple: true }));
  if (current > SCHEMA_VERSION) {
    throw new JobctlError(
      "database_newer",
      `the database has schema version ${current}, this jobctl knows up to ${SCHEMA_VERSION}`,
      { hint: "Upgrade jobctl, or restore a backup that this version wrote." },
    );
  }
  for (const [index, file] of FILES.entries()) {
    if (index < current) continue;
    const apply = db.transaction(() => {
      // A migration may change a constraint where SQLite keeps it, which it does not allow otherwise.
      db.unsafeMode(true);
      try {
        db.exec(readFileSync(new URL(file, DIRECTORY), "utf8"));
      } finally {
        db.unsafeMode(false);
      }
      db.pragma(`user_version = ${index + 1}`);
    });
    apply.immediate();
  }
}
