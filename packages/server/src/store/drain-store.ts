import type { Db, Guarded } from "./database.js";

/** An agent that an operator has told to take no new work. Times are milliseconds since 1970. */
export interface Drain {
  readonly agent: string;
  readonly since: number;
  /** When what still runs there is stopped and queued again; null leaves it alone. */
  readonly deadlineAt: number | null;
}

export type DrainStore = ReturnType<typeof createDrainStore>;

export function createDrainStore(db: Db, guarded: Guarded) {
  const upsert = db.prepare<[string, number, number | null]>(
    `INSERT INTO drains (agent, since, deadline_at) VALUES (?, ?, ?)
     ON CONFLICT (agent) DO UPDATE SET deadline_at = excluded.deadline_at`,
  );
  const remove = db.prepare<[string]>("DELETE FROM drains WHERE agent = ?");
  const select = db.prepare<[], Drain>(
    "SELECT agent, since, deadline_at AS deadlineAt FROM drains",
  );
  return {
    put(agent: string, since: number, deadlineAt: number | null): void {
      guarded(() => upsert.run(agent, since, deadlineAt));
    },
    remove(agent: string): boolean {
      return guarded(() => remove.run(agent).changes > 0);
    },
    list(): Drain[] {
      return select.all();
    },
  };
}
