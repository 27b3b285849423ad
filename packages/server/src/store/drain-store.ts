import type { Db, Guarded } from "./database.js";

/** An agent that an operator has told to take no new work. Times are milliseconds since 1970. */
export interface Drain {
  readonly agent: string;
  readonly since: number;
  /** When what still runs there is stopped and queued again; null leaves it alone. */
  readonly deadlineAt: number | null;
  /** How long it was given when the deadline was set. */
  readonly deadlineMs: number | null;
}

export type DrainStore = ReturnType<typeof createDrainStore>;

export function createDrainStore(db: Db, guarded: Guarded) {
  const upsert = db.prepare<Drain>(
    `INSERT INTO drains (agent, since, deadline_at, deadline_ms)
     VALUES (@agent, @since, @deadlineAt, @deadlineMs)
     ON CONFLICT (agent) DO UPDATE SET deadline_at = excluded.deadline_at,
       deadline_ms = excluded.deadline_ms`,
  );
  const remove = db.prepare<[string]>("DELETE FROM drains WHERE agent = ?");
  const select = db.prepare<[], Drain>(
    "SELECT agent, since, deadline_at AS deadlineAt, deadline_ms AS deadlineMs FROM drains",
  );
  return {
    put(drain: Drain): void {
      guarded(() => upsert.run(drain));
    },
    remove(agent: string): boolean {
      return guarded(() => remove.run(agent).changes > 0);
    },
    list(): Drain[] {
      return select.all();
    },
  };
}
