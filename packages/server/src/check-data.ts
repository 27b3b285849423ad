import { join } from "node:path";

import { JobctlError, toJobctlError } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { lockServerData } from "./store/data-lock.js";
import { raiseEpoch } from "./store/lease-store.js";

/**
 * A program for those who touch a data directory without a server, such as `jobctl restore`:
 * `check-data free DIR` says whether no server is using it; `check-data restored FILE` says whether
 * a restored database is sound, and makes its server newer than the one it replaces. What is wrong
 * goes to the parent process, as a daemon's start-up problems do.
 */
function check(what: string | undefined, path: string): void {
  if (what === "free")
    return lockServerData({ dataPath: path, dbPath: join(path, "jobctl.db") }).release();
  const db = new Database(path, { fileMustExist: true });
  try {
    const integrity = String(db.pragma("integrity_check(1)", { simple: true }));
    if (integrity !== "ok")
      throw new JobctlError("database_damaged", `the database ${path} is damaged: ${integrity}`);
    db.pragma("synchronous = FULL");
    raiseEpoch(db, Date.now());
  } finally {
    db.close();
  }
}

try {
  check(process.argv[2], process.argv[3] ?? "");
  process.send?.({ event: "ready" });
} catch (thrown) {
  const { code, message, hint } = toJobctlError(thrown);
  process.send?.({ event: "start_failed", code, message, hint });
}
process.disconnect?.();
