import type { Outcome, OutcomeReason } from "@jobctl/protocol";

import type { Db } from "./database.js";

export type AttemptEnd = "collected" | "refused" | "lost" | "drained";

/** Most refused attempts at one job that are kept: the last ones. */
const MAX_REFUSED = 20;

export type AttemptStore = ReturnType<typeof createAttemptStore>;

export function createAttemptStore(db: Db) {
  const insert = db.prepare<[number, number, string, number]>(
    "INSERT INTO attempts (job_id, number, agent, created_at) VALUES (?, ?, ?, ?)",
  );
  const updateStart = db.prepare<[number, number, number]>(
    "UPDATE attempts SET started_at = ? WHERE job_id = ? AND number = ?",
  );
  const selectBegin = db
    .prepare<[number, number], number>(
      "SELECT created_at FROM attempts WHERE job_id = ? AND number = ?",
    )
    .pluck();
  const updateEnd = db.prepare<
    [AttemptEnd, number, OutcomeReason | null, number | null, number, number]
  >(
    `UPDATE attempts SET ended_as = ?, finished_at = ?, outcome_reason = ?, exit_code = ?
     WHERE job_id = ? AND number = ? AND ended_as IS NULL`,
  );
  const selectLost = db.prepare<[number], { lost: number }>(
    "SELECT count(*) AS lost FROM attempts WHERE job_id = ? AND ended_as = 'lost'",
  );
  const selectCollected = db.prepare<[number], { collected: number }>(
    "SELECT count(*) AS collected FROM attempts WHERE job_id = ? AND ended_as = 'collected'",
  );
  const remove = db.prepare<[number, number]>(
    "DELETE FROM attempts WHERE job_id = ? AND number = ?",
  );
  const removeOldRefused = db.prepare<[number, number]>(
    `DELETE FROM attempts WHERE job_id = ? AND ended_as = 'refused' AND number IN
       (SELECT number FROM attempts WHERE job_id = ? AND ended_as = 'refused'
        ORDER BY number DESC LIMIT -1 OFFSET ${MAX_REFUSED})`,
  );
  const selectEnd = db.prepare<[number, number], { ended_as: AttemptEnd | null }>(
    "SELECT ended_as FROM attempts WHERE job_id = ? AND number = ?",
  );
  const selectFirst = db
    .prepare<[number], number>(
      "SELECT CASE WHEN ? <= last_job_id THEN first_attempt ELSE 1 END FROM restores",
    )
    .pluck();
  return {
    /**
     * Number of the attempt that follows. After a restore, jobs of the backup may have had attempts that
     * it does not know.
     */
    nextNumber(jobId: number, attempt: number): number {
      return Math.max(attempt + 1, selectFirst.get(jobId) ?? 1);
    },

    begin(jobId: number, number: number, agent: string, at: number): void {
      insert.run(jobId, number, agent, at);
    },

    /** When an attempt was sent, in milliseconds since 1970; 0 when it never was. */
    begunAt(jobId: number, number: number): number {
      return selectBegin.get(jobId, number) ?? 0;
    },

    started(jobId: number, number: number, at: number): void {
      updateStart.run(at, jobId, number);
    },

    end(
      jobId: number,
      number: number,
      as: AttemptEnd,
      at: number,
      outcome: Pick<Outcome, "reason" | "exitCode"> | null,
    ): void {
      updateEnd.run(as, at, outcome?.reason ?? null, outcome?.exitCode ?? null, jobId, number);
      if (as === "refused" && number > MAX_REFUSED) removeOldRefused.run(jobId, jobId);
    },

    /** Forgets an attempt that nothing has come of: its number is free again. */
    remove(jobId: number, number: number): void {
      remove.run(jobId, number);
    },

    /** Null while it is the current one, or has never been. */
    endOf(jobId: number, number: number): AttemptEnd | null {
      return selectEnd.get(jobId, number)?.ended_as ?? null;
    },

    /** How many attempts at this job ran to an end of their own. */
    countCollected(jobId: number): number {
      return selectCollected.get(jobId)?.collected ?? 0;
    },

    /** How many attempts at this job were lost with their agents. */
    countLost(jobId: number): number {
      return selectLost.get(jobId)?.lost ?? 0;
    },
  };
}
