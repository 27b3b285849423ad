import type { Db } from "./database.js";

/** Who this server is: the same for as long as its database lives, restored or not. */
export interface StoredInstallation {
  readonly uuid: string;
  readonly publicKey: string;
  readonly privateKey: string;
}

const SELECT =
  "SELECT uuid, public_key AS publicKey, private_key AS privateKey FROM installation WHERE id = 1";

export type InstallationStore = ReturnType<typeof createInstallationStore>;

/** The identity of this server, which is stored once. */
export function createInstallationStore(db: Db) {
  const insert = db.prepare<[string, string, string, number]>(
    `INSERT INTO installation (id, uuid, public_key, private_key, created_at) VALUES (1, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  );
  const select = db.prepare<[], StoredInstallation>(SELECT);
  const selectCreatedAt = db.prepare<[], { at: number }>(
    "SELECT created_at AS at FROM installation WHERE id = 1",
  );
  return {
    /** When it was made, in milliseconds since 1970; null before that. */
    createdAt(): number | null {
      return selectCreatedAt.get()?.at ?? null;
    },

    /** Null until `create` has been called once in the life of the database. */
    find(): StoredInstallation | null {
      return select.get() ?? null;
    },

    create({ uuid, publicKey, privateKey }: StoredInstallation, at: number): StoredInstallation {
      insert.run(uuid, publicKey, privateKey, at);
      return select.get() as StoredInstallation;
    },
  };
}
