import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

import { makeKeyPair, wallClock } from "@jobctl/daemon";
import { JobctlError, toJobctlError } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { createDamageStore } from "./store/damage-store.js";
import { writeInstallationNote } from "./store/data-folder.js";
import { lockServerData } from "./store/data-lock.js";
import { migrate } from "./store/migrate.js";
import { continueAfterRestore } from "./store/restored.js";

/** What `jobctl restore` says of a database that it has copied. */
interface RestoreOrder {
  readonly takeOver: boolean;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly replaced: string | null;
  /** Digests of blobs whose jobs are asked for. */
  readonly blobs: readonly string[];
}

/**
 * A program for those who touch a data directory without a server, such as `jobctl restore`:
 * `check-data free DIR` says whether no server is using it; `check-data restored FILE ORDER` says whether
 * a restored database is sound, and makes it the next server's. What is wrong goes to the parent process,
 * as a daemon's start-up problems do.
 */
async function check(what: string | undefined, path: string, order = "{}"): Promise<object> {
  if (what !== "free") return prepareRestored(path, JSON.parse(order) as RestoreOrder);
  if (!existsSync(path)) return {};
  lockServerData({ dataPath: path, dbPath: join(path, "jobctl.db") }).release();
  return {};
}

async function prepareRestored(path: string, order: RestoreOrder): Promise<object> {
  const db = new Database(path, { fileMustExist: true });
  try {
    const integrity = String(db.pragma("integrity_check(1)", { simple: true }));
    if (integrity !== "ok")
      throw new JobctlError("database_damaged", `the database ${path} is damaged: ${integrity}`);
    db.pragma("synchronous = FULL");
    migrate(db);
    const { takeOver, createdAt, replaced, blobs } = order;
    const newInstallation = takeOver ? null : { uuid: randomUUID(), ...makeKeyPair() };
    const identity = continueAfterRestore(
      db,
      { createdAt, replaced, newInstallation },
      wallClock(),
    );
    if (identity.installation !== null)
      await writeInstallationNote(dirname(path), identity.installation, identity.nextJobId - 1);
    const damage = createDamageStore(db, (work) => work());
    const users = Object.fromEntries(blobs.map((sha256) => [sha256, damage.usersOf(sha256)]));
    return { ...identity, users };
  } finally {
    db.close();
  }
}

try {
  const told = await check(process.argv[2], process.argv[3] ?? "", process.argv[4]);
  process.send?.({ event: "ready", ...told });
} catch (thrown) {
  const { code, message, hint } = toJobctlError(thrown);
  process.send?.({ event: "start_failed", code, message, hint });
}
process.disconnect?.();
