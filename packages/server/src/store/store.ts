import { createAgentStore, type AgentStore } from "./agent-store.js";
import { createAttemptStore, type AttemptStore } from "./attempt-store.js";
import { closeDatabase, openDatabase } from "./database.js";
import { createJobStore, type JobStore } from "./job-store.js";

/** The database, as the rest of the server sees it. */
export interface Store {
  readonly jobs: JobStore;
  readonly attempts: AttemptStore;
  readonly agents: AgentStore;
  /** Runs the function in one transaction: all of it is committed, or nothing. */
  transaction<T>(work: () => T): T;
  /** @throws when the database cannot be written */
  checkWritable(): void;
  close(): void;
}

/** @throws JobctlError when the database cannot be opened or is too new */
export function openStore(path: string): Store {
  const db = openDatabase(path);
  const checkWritable = db.transaction(() => {});
  return {
    jobs: createJobStore(db),
    attempts: createAttemptStore(db),
    agents: createAgentStore(db),
    transaction: (work) => db.transaction(work).immediate(),
    checkWritable: () => checkWritable.immediate(),
    close: () => closeDatabase(db),
  };
}
