import type { Db, Guarded } from "./database.js";

/** The key that an agent's name is bound to. Times are milliseconds since 1970. */
export interface AgentKey {
  readonly name: string;
  readonly publicKey: string;
  readonly enrolledAt: number;
}

/** Names that have not been seen for so long are free again: containers have a new one at every start. */
const FORGET_AFTER_MS = 90 * 24 * 60 * 60 * 1000;

type Bind = [
  name: string,
  publicKey: string,
  url: string,
  at: number,
  isKept: (name: string) => boolean,
];

export type AgentKeyStore = ReturnType<typeof createAgentKeyStore>;

/** The keys that names are bound to, and the one-time secrets that have not been used. */
export function createAgentKeyStore(db: Db, guarded: Guarded) {
  const insert = db.prepare<[string, string, number, number]>(
    "INSERT INTO agent_keys (name, public_key, enrolled_at, seen_at) VALUES (?, ?, ?, ?)",
  );
  const update = db.prepare<[number, string]>("UPDATE agent_keys SET seen_at = ? WHERE name = ?");
  const remove = db.prepare<[string]>("DELETE FROM agent_keys WHERE name = ?");
  const selectUnseen = db
    .prepare<[number], string>("SELECT name FROM agent_keys WHERE seen_at < ?")
    .pluck();
  const select = db.prepare<[], AgentKey>(
    "SELECT name, public_key AS publicKey, enrolled_at AS enrolledAt FROM agent_keys",
  );
  const upsertSecret = db.prepare<[string, string, number]>(
    `INSERT INTO enrolments (url, secret, expires_at) VALUES (?, ?, ?)
     ON CONFLICT (url) DO UPDATE SET secret = excluded.secret, expires_at = excluded.expires_at`,
  );
  const selectSecret = db.prepare<[string], { secret: string; expiresAt: number }>(
    "SELECT secret, expires_at AS expiresAt FROM enrolments WHERE url = ?",
  );
  const selectSecrets = db.prepare<[], { url: string; secret: string; expiresAt: number }>(
    "SELECT url, secret, expires_at AS expiresAt FROM enrolments",
  );
  const removeSecret = db.prepare<[string]>("DELETE FROM enrolments WHERE url = ?");

  const bind = db.transaction((...[name, publicKey, url, at, isKept]: Bind) => {
    const unseen = selectUnseen.all(at - FORGET_AFTER_MS).filter((other) => !isKept(other));
    for (const other of unseen) remove.run(other);
    insert.run(name, publicKey, at, at);
    removeSecret.run(url);
    return unseen;
  });

  return {
    list(): AgentKey[] {
      return select.all();
    },

    /**
     * Binds a name to a key; the one-time secret of the address is used up with it.
     *
     * @param isKept names that stay, whatever the clock says
     * @returns names that have not been seen for long, and are free now
     */
    bind(...binding: Bind): string[] {
      return guarded(() => bind.immediate(...binding));
    },

    seen(name: string, at: number): void {
      guarded(() => update.run(at, name));
    },

    forget(name: string): void {
      guarded(() => remove.run(name));
    },

    putOneTimeSecret(url: string, secret: string, expiresAt: number): void {
      guarded(() => upsertSecret.run(url, secret, expiresAt));
    },

    /** The one-time secret of an address, expired or not. */
    findOneTimeSecret(url: string): { readonly secret: string; readonly expiresAt: number } | null {
      return selectSecret.get(url) ?? null;
    },

    /** All of them, by address. */
    listOneTimeSecrets(): Map<string, { readonly secret: string; readonly expiresAt: number }> {
      return new Map(selectSecrets.all().map(({ url, ...secret }) => [url, secret]));
    },

    deleteOneTimeSecret(url: string): void {
      guarded(() => removeSecret.run(url));
    },
  };
}
