import { agentLoadSchema, agentSelfSchema, type AgentLoad, type AgentSelf } from "@jobctl/protocol";

import type { Db, Guarded } from "./database.js";

/** The last that was heard from an agent. */
export interface KnownAgent {
  readonly url: string;
  readonly self: AgentSelf | null;
  readonly load: AgentLoad | null;
  readonly receivedAt: number | null;
}

interface AgentRow {
  readonly url: string;
  readonly self: string | null;
  readonly load: string | null;
  readonly received_at: number | null;
}

export type AgentStore = ReturnType<typeof createAgentStore>;

export function createAgentStore(db: Db, guarded: Guarded) {
  const upsert = db.prepare<[string, string, string, string, number]>(
    `INSERT INTO agents (url, name, self, load, received_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (url) DO UPDATE SET name = excluded.name, self = excluded.self,
       load = excluded.load, received_at = excluded.received_at`,
  );
  const select = db.prepare<[string], AgentRow>(
    "SELECT url, self, load, received_at FROM agents WHERE url = ?",
  );
  const insertAdded = db.prepare<[string, number]>(
    "INSERT INTO added_agents (url, added_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
  );
  const removeAdded = db.prepare<[string]>("DELETE FROM added_agents WHERE url = ?");
  const selectAdded = db
    .prepare<[], string>("SELECT url FROM added_agents ORDER BY added_at")
    .pluck();
  return {
    /** Remembers that an operator has added an agent. */
    add(url: string, at: number): void {
      guarded(() => insertAdded.run(url, at));
    },

    remove(url: string): void {
      guarded(() => removeAdded.run(url));
    },

    added(): string[] {
      return selectAdded.all();
    },

    save(url: string, self: AgentSelf, load: AgentLoad, receivedAt: number): void {
      guarded(() =>
        upsert.run(url, self.name, JSON.stringify(self), JSON.stringify(load), receivedAt),
      );
    },

    find(url: string): KnownAgent {
      const row = select.get(url);
      return {
        url,
        self:
          row?.self == null ? null : (agentSelfSchema.safeParse(JSON.parse(row.self)).data ?? null),
        load:
          row?.load == null ? null : (agentLoadSchema.safeParse(JSON.parse(row.load)).data ?? null),
        receivedAt: row?.received_at ?? null,
      };
    },
  };
}
