import {
  ATTEMPT_STATUSES,
  TERMINAL_STATUSES,
  statusesBefore,
  type JobListQuery,
  type JobStatus,
} from "@jobctl/protocol";
import type { Statement } from "better-sqlite3";

import type { Db } from "./database.js";
import type { JobChanges, JobEventRow, JobRow, NewJobRow } from "./job-row.js";

/** Most events of one job that are kept, beside its submit: the last ones. */
const MAX_EVENTS = 500;
/** A job with fewer attempts has fewer events than are kept. */
const FEW_ATTEMPTS = 50;

const COLUMNS = `jobs.*,
  (SELECT json_group_object(key, value) FROM job_labels WHERE job_labels.job_id = jobs.id) AS labels,
  (SELECT json_group_array(json_object('number', number, 'agent', agent, 'createdAt', created_at,
     'startedAt', started_at, 'finishedAt', finished_at, 'endedAs', ended_as,
     'reason', outcome_reason, 'exitCode', exit_code))
   FROM (SELECT * FROM attempts WHERE attempts.job_id = jobs.id ORDER BY number)) AS attempts`;

const inList = (statuses: readonly JobStatus[]): string =>
  `(${statuses.map((status) => `'${status}'`).join(", ")})`;

export interface Transition {
  readonly to: JobStatus;
  /** The attempt that this is about; the change is refused once another one is current. */
  readonly attempt: number;
  readonly at: number;
  readonly set?: JobChanges;
  readonly reason?: string | null;
  readonly message?: string | null;
  /** Adds no event: another one tells of the change. */
  readonly silent?: boolean;
}

/** A dispatch that came to nothing. */
export interface NotDispatched {
  readonly at: number;
  readonly type: "agent_refused" | "not_sent";
  readonly message: string;
}

/** What a job refers to. */
export interface BlobReferences {
  readonly jobId: number;
  readonly input: string;
  readonly result: string | null;
}

/** What the server's clocks show. */
export interface Clocks {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** Milliseconds of the machine's monotonic clock, and which start of the machine they belong to. */
  readonly machineMs: number;
  readonly boot: string;
}

/** Seconds that a started job has run; `jobs/runtime.ts` says the same of one row. */
const RUNTIME = `CASE
  WHEN runtime_seconds IS NOT NULL THEN runtime_seconds
  WHEN clock_boot = @boot THEN max(0, @machineMs - clock_ms) / 1000.0
  ELSE max(0, @wallMs - started_at) / 1000.0 END`;

export interface JobPage {
  readonly rows: JobRow[];
  readonly nextCursor: string | null;
}

/** Prepared when they are asked for: both walk over jobs, and are for starts and sweeps only. */
const SELECT_STORED = "SELECT 1 FROM jobs WHERE expired_at IS NULL LIMIT 1";
const SELECT_LAST_ID = "SELECT seq FROM sqlite_sequence WHERE name = 'jobs'";
const SELECT_REMOVED_COUNT = `
  SELECT max(0, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'jobs'), 0)
    - (SELECT skipped_ids FROM restores) - (SELECT count(*) FROM jobs))`;

export type JobStore = ReturnType<typeof createJobStore>;

/** Everything that is read from and written to the jobs' tables. */
export function createJobStore(db: Db) {
  const insertJob = db.prepare<NewJobRow>(`
    INSERT INTO jobs (tenant, user, name, service, env, outputs, priority, timeout_seconds, cpus,
      memory_bytes, requeue, retries, idempotency_key, request_sha256, input_sha256, input_size_bytes,
      input_root, input_entries, input_extracted_bytes, submitted_at, status)
    VALUES (@tenant, @user, @name, @service, @env, @outputs, @priority, @timeout_seconds, @cpus,
      @memory_bytes, @requeue, @retries, @idempotency_key, @request_sha256, @input_sha256, @input_size_bytes,
      @input_root, @input_entries, @input_extracted_bytes, @submitted_at, 'queued')`);
  const insertLabel = db.prepare("INSERT INTO job_labels (job_id, key, value) VALUES (?, ?, ?)");
  const selectJob = db.prepare<[number], JobRow>(`SELECT ${COLUMNS} FROM jobs WHERE id = ?`);
  const selectByKey = db.prepare<[string, string], JobRow>(
    `SELECT ${COLUMNS} FROM jobs WHERE tenant = ? AND idempotency_key = ?`,
  );
  const selectByInput = db.prepare<[string, string], JobRow>(
    `SELECT ${COLUMNS} FROM jobs WHERE input_sha256 = ? AND tenant = ? AND expired_at IS NULL
     ORDER BY id DESC LIMIT 1`,
  );
  const selectReference = db.prepare<{ digest: string }, { found: 1 }>(
    `SELECT 1 AS found FROM jobs WHERE input_sha256 = @digest
     UNION ALL SELECT 1 FROM jobs WHERE result_sha256 = @digest LIMIT 1`,
  );
  // The index is named: by itself SQLite walks all jobs by another one.
  const selectCounts = db.prepare<[], { status: JobStatus; service: string; count: number }>(
    `SELECT status, service, count(*) AS count FROM jobs INDEXED BY jobs_by_status
     WHERE status IN ${inList(["queued", ...ATTEMPT_STATUSES])} GROUP BY status, service`,
  );
  const selectLongest = db.prepare<Clocks, { service: string; seconds: number }>(
    `SELECT service, max(${RUNTIME}) AS seconds FROM jobs INDEXED BY jobs_by_status
     WHERE status = 'running' AND started_at IS NOT NULL GROUP BY service`,
  );
  const selectReferences = db.prepare<[number, number], BlobReferences>(
    `SELECT id AS jobId, input_sha256 AS input, result_sha256 AS result FROM jobs
     WHERE id > ? AND expired_at IS NULL ORDER BY id LIMIT ?`,
  );
  const selectOpen = db.prepare<[], JobRow>(
    `SELECT ${COLUMNS} FROM jobs INDEXED BY jobs_by_status
     WHERE status IN ${inList(["queued", ...ATTEMPT_STATUSES])} ORDER BY id`,
  );
  const selectOnAgent = db.prepare<[string], JobRow>(
    `SELECT ${COLUMNS} FROM jobs WHERE agent = ? AND status IN ${inList(ATTEMPT_STATUSES)} ORDER BY id`,
  );
  const updateCancel = db.prepare<[number, number]>(
    `UPDATE jobs SET cancel_requested_at = ?, version = version + 1
     WHERE id = ? AND cancel_requested_at IS NULL AND status NOT IN ${inList(TERMINAL_STATUSES)}`,
  );
  const updateAgentReason = db.prepare<[string | null, string, string | null]>(
    `UPDATE jobs SET agent_reason = ?, version = version + 1
     WHERE agent = ? AND status IN ${inList(ATTEMPT_STATUSES)} AND agent_reason IS NOT ?`,
  );
  const removeEnded = db.prepare<[number, number]>(
    `DELETE FROM jobs WHERE id IN
       (SELECT id FROM jobs INDEXED BY jobs_by_end WHERE finished_at < ? LIMIT ?)`,
  );
  const selectEndedCount = db
    .prepare<[number], number>(
      "SELECT count(*) FROM jobs INDEXED BY jobs_by_end WHERE finished_at < ?",
    )
    .pluck();
  const insertEvent = db.prepare<
    [number, number, string, string, string | null, number, string | null, string | null]
  >(
    `INSERT INTO job_events (job_id, at, type, status, reason, attempt, agent, message)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const selectEvents = db.prepare<[number], JobEventRow>(
    `SELECT at, type, status, reason, attempt, agent, message, repeats FROM job_events
     WHERE job_id = ? ORDER BY at, id`,
  );
  const removeDispatch = db.prepare<[number, number]>(
    `DELETE FROM job_events WHERE id =
       (SELECT max(id) FROM job_events
        WHERE job_id = ? AND type = 'status' AND status = 'dispatched' AND attempt = ?)`,
  );
  // Since the last change of status: what came before that is another story.
  const repeatEvent = db.prepare<NotDispatched & { id: number; agent: string | null; n: number }>(
    `UPDATE job_events SET at = @at, message = @message, attempt = @n, repeats = repeats + 1
     WHERE id = (SELECT max(id) FROM job_events WHERE job_id = @id AND type = @type AND agent IS @agent)
       AND id > (SELECT coalesce(max(id), 0) FROM job_events WHERE job_id = @id AND type = 'status')`,
  );
  const removeOldEvents = db.prepare<[number]>(
    `DELETE FROM job_events WHERE id IN
       (SELECT id FROM job_events WHERE job_id = ? AND type <> 'submitted'
        ORDER BY id DESC LIMIT -1 OFFSET ${MAX_EVENTS})`,
  );
  const selectLastEvent = db
    .prepare<[number], number | null>("SELECT max(at) FROM job_events WHERE job_id = ?")
    .pluck();
  const transitionStatements = new Map<string, Statement<[Record<string, unknown>]>>();

  /** The only writer of a status: one statement for each target and set of columns. */
  function transitionStatement(to: JobStatus, columns: readonly string[]) {
    const key = [to, ...columns].join(",");
    let statement = transitionStatements.get(key);
    if (statement === undefined) {
      const assignments = columns.map((column) => `, ${column} = @${column}`).join("");
      statement = db.prepare<[Record<string, unknown>]>(
        `UPDATE jobs SET status = '${to}', version = version + 1${assignments}
         WHERE id = @id AND attempt = @expectedAttempt AND status IN ${inList(statusesBefore(to))}`,
      );
      transitionStatements.set(key, statement);
    }
    return statement;
  }

  function get(id: number): JobRow | null {
    return selectJob.get(id) ?? null;
  }

  function addEvent(
    row: JobRow,
    event: Pick<JobEventRow, "at" | "type" | "reason" | "message">,
  ): void {
    insertEvent.run(
      row.id,
      event.at,
      event.type,
      row.status,
      event.reason,
      row.attempt,
      row.agent,
      event.message,
    );
    if (row.attempt > FEW_ATTEMPTS || row.refusals > FEW_ATTEMPTS) removeOldEvents.run(row.id);
  }

  return {
    get,

    insert(job: NewJobRow, labels: Readonly<Record<string, string>>): JobRow {
      const id = Number(insertJob.run(job).lastInsertRowid);
      for (const [key, value] of Object.entries(labels)) insertLabel.run(id, key, value);
      const row = selectJob.get(id) as JobRow;
      addEvent(row, { at: job.submitted_at, type: "submitted", reason: null, message: null });
      return row;
    },

    findByKey(tenant: string, key: string): JobRow | null {
      return selectByKey.get(tenant, key) ?? null;
    },

    /** A job of this tenant that was submitted with this archive, which is therefore stored. */
    findByInput(tenant: string, digest: string): JobRow | null {
      return selectByInput.get(digest, tenant) ?? null;
    },

    isBlobReferenced(digest: string): boolean {
      return selectReference.get({ digest }) !== undefined;
    },

    /** Whether any job refers to stored files. */
    hasStoredFiles(): boolean {
      return db.prepare(SELECT_STORED).get() !== undefined;
    },

    /** The highest id that has been given out; 0 before the first. */
    lastId(): number {
      return db.prepare<[], number>(SELECT_LAST_ID).pluck().get() ?? 0;
    },

    /** The next job gets a higher id than this one. Those between do not count as removed. */
    skipTo(id: number): void {
      const last = db.prepare<[], number>(SELECT_LAST_ID).pluck().get() ?? 0;
      if (id <= last) return;
      db.transaction(() => {
        db.prepare("DELETE FROM sqlite_sequence WHERE name = 'jobs'").run();
        db.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('jobs', ?)").run(id);
        db.prepare("UPDATE restores SET skipped_ids = skipped_ids + ?").run(id - last);
      })();
    },

    /** How many jobs there have been that are not there any more. */
    countRemoved(): number {
      return db.prepare<[], number>(SELECT_REMOVED_COUNT).pluck().get() ?? 0;
    },

    /** Jobs that have not ended, counted. */
    countOpen(): { status: JobStatus; service: string; count: number }[] {
      return selectCounts.all();
    },

    /** How long the job of each service that has been running longest has, in seconds. */
    longestRunning(clocks: Clocks): { service: string; seconds: number }[] {
      return selectLongest.all(clocks);
    },

    /** What jobs refer to, as far as it has not been removed on purpose: a page, by id. */
    blobReferences(afterId: number, limit: number): BlobReferences[] {
      return selectReferences.all(afterId, limit);
    },

    /** Every job that has not ended, oldest first. */
    open(): JobRow[] {
      return selectOpen.all();
    },

    /** Jobs whose current attempt this agent should hold. */
    onAgent(agent: string): JobRow[] {
      return selectOnAgent.all(agent);
    },

    list(query: JobListQuery, clocks: Clocks): JobPage {
      const { sql, parameters } = listStatement(query);
      const rows = db.prepare<unknown[], JobRow>(sql).all(...parameters, clocks);
      if (rows.length <= query.limit) return { rows, nextCursor: null };
      const page = rows.slice(0, query.limit);
      const next =
        query.sort === "runtime" ? Number(query.cursor ?? 0) + query.limit : (page.at(-1)?.id ?? 0);
      return { rows: page, nextCursor: String(next) };
    },

    events(id: number): JobEventRow[] {
      return selectEvents.all(id);
    },

    /**
     * Notes that a dispatch came to nothing, in the place of the event that told of it. The same again,
     * with nothing between, is the same event.
     */
    addNotDispatched(row: JobRow, event: NotDispatched): void {
      removeDispatch.run(row.id, row.attempt);
      const agent = event.type === "not_sent" ? null : row.agent;
      const repeated = repeatEvent.run({ ...event, id: row.id, agent, n: row.attempt });
      if (repeated.changes > 0) return;
      addEvent({ ...row, status: "queued", agent }, { ...event, reason: null });
    },

    /** When a job was last changed, in milliseconds since 1970; 0 when it never was. */
    lastEventAt(id: number): number {
      return selectLastEvent.get(id) ?? 0;
    },

    /** @returns the changed row; null when the job was not where the change expects it */
    transition(id: number, change: Transition): JobRow | null {
      const set = change.set ?? {};
      const result = transitionStatement(change.to, Object.keys(set)).run({
        ...set,
        id,
        expectedAttempt: change.attempt,
      });
      if (result.changes === 0) return null;
      const row = selectJob.get(id) as JobRow;
      if (change.silent === true) return row;
      addEvent(row, {
        at: change.at,
        type: "status",
        reason: change.reason ?? null,
        message: change.message ?? null,
      });
      return row;
    },

    /** @returns the changed row; null when it had been requested before, or the job has ended */
    requestCancel(id: number, at: number): JobRow | null {
      if (updateCancel.run(at, id).changes === 0) return null;
      const row = selectJob.get(id) as JobRow;
      addEvent(row, { at, type: "cancel_requested", reason: null, message: null });
      return row;
    },

    countEndedBefore(at: number): number {
      return selectEndedCount.get(at) ?? 0;
    },

    removeEndedBefore(at: number, limit: number): number {
      return removeEnded.run(at, limit).changes;
    },

    /** Notes on every job of an agent that it cannot be reached at the moment, or can again. */
    setAgentReason(agent: string, reason: "agent_unreachable" | null): boolean {
      return updateAgentReason.run(reason, agent, reason).changes > 0;
    },
  };
}

/** The list's statement: only the conditions that were asked for, each on an index. */
export function listStatement(query: JobListQuery): { sql: string; parameters: unknown[] } {
  const conditions: string[] = [];
  const parameters: unknown[] = [];
  const where = (condition: string, ...values: unknown[]): void => {
    conditions.push(condition);
    parameters.push(...values);
  };
  const marks = (values: readonly unknown[]): string => values.map(() => "?").join(", ");
  if (query.id !== undefined) where(`jobs.id IN (${marks(query.id)})`, ...query.id);
  if (query.state !== undefined) where(`status IN (${marks(query.state)})`, ...query.state);
  if (query.user !== undefined) where("user = ?", query.user);
  if (query.service !== undefined) where("service = ?", query.service);
  if (query.since !== undefined) where("submitted_at >= ?", Date.parse(query.since));
  for (const label of query.label ?? []) {
    const at = label.indexOf("=");
    where(
      "jobs.id IN (SELECT job_id FROM job_labels WHERE key = ? AND value = ?)",
      label.slice(0, at),
      label.slice(at + 1),
    );
  }
  if (query.cursor !== undefined && query.sort === "newest")
    where("jobs.id < ?", Number(query.cursor));
  if (query.cursor !== undefined && query.sort === "oldest")
    where("jobs.id > ?", Number(query.cursor));
  const order = {
    newest: "jobs.id DESC",
    oldest: "jobs.id ASC",
    runtime: `iif(started_at IS NULL, 0, ${RUNTIME}) DESC, jobs.id ASC`,
  }[query.sort];
  // Nearly all jobs have ended, and SQLite's statistics know averages: it would not expect the index to help.
  const others = [query.id, query.user, query.service, query.label];
  const byStatus = query.state !== undefined && others.every((other) => other === undefined);
  const table = byStatus ? "jobs INDEXED BY jobs_by_status" : "jobs";
  const filter = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  const offset = query.sort === "runtime" ? Number(query.cursor ?? 0) : 0;
  return {
    sql: `SELECT ${COLUMNS} FROM ${table} ${filter} ORDER BY ${order} LIMIT ? OFFSET ?`,
    parameters: [...parameters, query.limit + 1, offset],
  };
}
