import type { Db, Guarded } from "./database.js";

export type Milestone = "backup";

export type MilestoneStore = ReturnType<typeof createMilestoneStore>;

/** When something last ended well, in milliseconds since 1970. */
export function createMilestoneStore(db: Db, guarded: Guarded) {
  const upsert = db.prepare<[Milestone, number, number]>(
    `INSERT INTO milestones (name, at, damaged) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET at = excluded.at, damaged = excluded.damaged`,
  );
  const select = db.prepare<[Milestone], { at: number; damaged: number }>(
    "SELECT at, damaged FROM milestones WHERE name = ?",
  );
  return {
    /** @param damaged how many blobs it had to leave out */
    reach(name: Milestone, at: number, damaged = 0): void {
      guarded(() => upsert.run(name, at, damaged));
    },
    find(name: Milestone): number | null {
      return select.get(name)?.at ?? null;
    },
    /** How many blobs the last one had to leave out; 0 before the first. */
    damaged(name: Milestone): number {
      return select.get(name)?.damaged ?? 0;
    },
  };
}
