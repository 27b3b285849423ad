import type { Db, Guarded } from "./database.js";

export type Milestone = "backup";

export type MilestoneStore = ReturnType<typeof createMilestoneStore>;

/** When something last ended well, in milliseconds since 1970. */
export function createMilestoneStore(db: Db, guarded: Guarded) {
  const upsert = db.prepare<[Milestone, number]>(
    "INSERT INTO milestones (name, at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at",
  );
  const select = db.prepare<[Milestone], { at: number }>(
    "SELECT at FROM milestones WHERE name = ?",
  );
  return {
    reach(name: Milestone, at: number): void {
      guarded(() => upsert.run(name, at));
    },
    find(name: Milestone): number | null {
      return select.get(name)?.at ?? null;
    },
  };
}
