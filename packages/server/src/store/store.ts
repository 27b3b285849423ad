import { JobctlError, toJobctlError } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { createAgentKeyStore, type AgentKeyStore } from "./agent-key-store.js";
import { createAgentStore, type AgentStore } from "./agent-store.js";
import { createAttemptStore, type AttemptStore } from "./attempt-store.js";
import { createChecksumStore, type ChecksumStore } from "./checksum-store.js";
import { createDamageStore, type DamageStore } from "./damage-store.js";
import {
  closeDatabase,
  isExclusive,
  openDatabase,
  optimize,
  share,
  type Guarded,
} from "./database.js";
import { translateDamage } from "./damage.js";
import { DatabaseFile } from "./database-file.js";
import { createDrainStore, type DrainStore } from "./drain-store.js";
import { createInstallationStore, type InstallationStore } from "./installation-store.js";
import { createJobStore, type JobStore } from "./job-store.js";
import { createLeaseStore, type LeaseStore } from "./lease-store.js";
import { createMilestoneStore, type MilestoneStore } from "./milestone-store.js";
import { QueryTimes, type TimeListener } from "./query-times.js";
import { createScrubStore, type ScrubStore } from "./scrub-store.js";
import { createUsageStore, type UsageStore } from "./usage-store.js";
import { wrapStatements } from "./wrap-statements.js";

/** The database, as the rest of the server sees it. */
export interface Store {
  readonly jobs: JobStore;
  readonly attempts: AttemptStore;
  readonly agents: AgentStore;
  readonly agentKeys: AgentKeyStore;
  readonly checksums: ChecksumStore;
  readonly damage: DamageStore;
  readonly drains: DrainStore;
  readonly installation: InstallationStore;
  readonly lease: LeaseStore;
  readonly milestones: MilestoneStore;
  readonly scrub: ScrubStore;
  readonly usage: UsageStore;
  /**
   * Runs the function in one transaction: all of it is committed, or nothing.
   *
   * @throws JobctlError `storage_full`, `database_unavailable`, or what the function throws
   */
  transaction<T>(work: () => T): T;
  /** Writes that were refused because the database was locked or full. */
  readonly refusedWrites: number;
  /** Connections whose file is still the one at the database's path: 0 once it has been moved away. */
  openConnections(): number;
  /** Tells how long each statement and each transaction takes. */
  onTime(listener: TimeListener): void;
  /** A consistent copy, while everything goes on: SQLite's online backup. */
  copyTo(path: string): Promise<void>;
  /** Size of the database, without its log, in bytes. */
  size(): number;
  /** @returns how many jobs that ended before that time were removed, at most `limit` */
  removeEndedBefore(at: number, limit: number): number;
  freePages(): number;
  /** Gives at most so many free pages back to the file system. */
  releasePages(count: number): void;
  /** Brings SQLite's statistics up to date where tables have grown: its plans depend on them. */
  optimize(): void;
  /** Writes the log into the database, and empties it. */
  checkpoint(): void;
  /** @throws when the database cannot be written */
  checkWritable(): void;
  /** Whether no other connection can read the database, because there was no space when it was opened. */
  readonly isExclusive: boolean;
  /**
   * Ends that, once there is space.
   *
   * @throws JobctlError `storage_full`, `database_unavailable`
   */
  share(): void;
  /** Looks whether the files are still those that were opened. */
  checkFile(): void;
  /** Leaves files alone that have been moved, removed or replaced. */
  close(): void;
}

export interface StoreSettings {
  /** How long to wait for somebody else's lock on the database. */
  readonly busyTimeoutMs?: number;
  /** Called before a database is made where there is none; may throw to keep that from happening. */
  readonly onNew?: () => void;
  /** Told when something is wrong with the database's files, and with null when it is over. */
  readonly onFileProblem?: (problem: JobctlError | null) => void;
}

/** Nobody else should write; while somebody does, nothing else is done either. */
const BUSY_TIMEOUT_MS = 500;

/** @throws JobctlError when the database cannot be opened, is damaged, or is too new */
export function openStore(path: string, settings: StoreSettings = {}): Store {
  const { busyTimeoutMs = BUSY_TIMEOUT_MS, onNew, onFileProblem = () => {} } = settings;
  const db = openDatabase(path, onNew);
  const file = new DatabaseFile(path, onFileProblem);
  const damageTranslated = translateDamage(path, (damage) => file.noteDamage(damage));
  const times = new QueryTimes();
  wrapStatements(db, {
    onPrepare: damageTranslated,
    onCall: (work) => times.measure("query", () => damageTranslated(work)),
  });
  db.pragma(`busy_timeout = ${busyTimeoutMs}`);
  const checkWritable = db.transaction(() => {});
  const pragma = (name: string): number => Number(db.pragma(name, { simple: true }));
  let refusedWrites = 0;
  const guarded: Guarded = (work) => {
    try {
      const problem = file.check();
      if (problem !== null) throw problem;
      return translated(work);
    } catch (error) {
      const { code } = toJobctlError(error);
      if (code === "storage_full" || code === "database_unavailable") refusedWrites += 1;
      throw error;
    }
  };
  const jobs = createJobStore(db);
  return {
    jobs,
    attempts: createAttemptStore(db),
    agents: createAgentStore(db, guarded),
    agentKeys: createAgentKeyStore(db, guarded),
    checksums: createChecksumStore(db, guarded),
    damage: createDamageStore(db, guarded),
    drains: createDrainStore(db, guarded),
    installation: createInstallationStore(db),
    lease: createLeaseStore(db),
    milestones: createMilestoneStore(db, guarded),
    scrub: createScrubStore(db, guarded),
    usage: createUsageStore(db),
    get refusedWrites() {
      return refusedWrites;
    },
    openConnections: () => (db.open && file.check() === null ? 1 : 0),
    onTime: (listener) => {
      times.listener = listener;
    },
    copyTo: async (copy) => {
      await db.backup(copy);
    },
    size: () => pragma("page_count") * pragma("page_size"),
    removeEndedBefore: (at, limit) => guarded(() => jobs.removeEndedBefore(at, limit)),
    freePages: () => pragma("freelist_count"),
    releasePages: (count) => guarded(() => void db.pragma(`incremental_vacuum(${count})`)),
    optimize: () => optimize(db),
    checkpoint: () => void db.pragma("wal_checkpoint(TRUNCATE)"),
    transaction: (work) =>
      guarded(() => times.measure("transaction", () => db.transaction(work).immediate())),
    checkWritable: () => guarded(() => checkWritable.immediate()),
    get isExclusive() {
      return isExclusive(db);
    },
    share: () =>
      guarded(() => {
        try {
          share(db);
        } finally {
          file.forgetLog();
        }
      }),
    checkFile: () => void file.check(),
    close: () => {
      // SQLite would remove the log by its name, which may be that of another database by now.
      if (file.check() !== null) return;
      closeDatabase(db);
      file.close();
    },
  };
}

/** SQLite's reasons for not writing, in words for clients: they may come back later. */
function translated<T>(work: () => T): T {
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
