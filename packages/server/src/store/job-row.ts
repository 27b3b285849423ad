import type { JobStatus, OutcomeReason } from "@jobctl/protocol";

/** A row of `jobs`, with its labels as one JSON object. Times are milliseconds since 1970. */
export interface JobRow {
  readonly id: number;
  readonly tenant: string;
  readonly user: string;
  readonly name: string;
  readonly service: string;
  readonly labels: string;
  /** Every attempt, as a JSON list. */
  readonly attempts: string;
  readonly env: string;
  readonly outputs: string;
  readonly priority: number;
  readonly timeout_seconds: number;
  readonly cpus: number;
  readonly memory_bytes: number | null;
  readonly requeue: number;
  readonly retries: number;
  /** When it may be tried again after a failure. */
  readonly not_before: number | null;
  /** How long the pause until then was meant to be. */
  readonly pause_ms: number | null;
  readonly idempotency_key: string | null;
  readonly request_sha256: string;
  readonly input_sha256: string;
  readonly input_size_bytes: number;
  readonly input_root: string;
  readonly input_entries: number;
  readonly input_extracted_bytes: number;
  readonly status: JobStatus;
  readonly version: number;
  readonly attempt: number;
  readonly agent: string | null;
  readonly agent_reason: string | null;
  readonly cancel_requested_at: number | null;
  readonly submitted_at: number;
  readonly started_at: number | null;
  readonly finished_at: number | null;
  /** Which start of the machine `clock_ms` belongs to. */
  readonly clock_boot: string | null;
  /** When the attempt was sent, later when it started: milliseconds of the machine's monotonic clock. */
  readonly clock_ms: number | null;
  /** Null while it runs, and when it has not been started. */
  readonly runtime_seconds: number | null;
  readonly outcome_reason: OutcomeReason | null;
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly outcome_message: string | null;
  readonly findings: string;
  readonly wall_seconds: number | null;
  readonly cpu_seconds: number | null;
  readonly max_rss_bytes: number | null;
  readonly result_sha256: string | null;
  readonly result_size_bytes: number | null;
  readonly expired_at: number | null;
  /** Refusals since it was last started, or submitted. */
  readonly refusals: number;
  /** When it was last refused. */
  readonly refused_at: number | null;
  /** How long the refusals have gone on. */
  readonly refused_ms: number;
}

/** What a submit decides; everything else begins empty. */
export type NewJobRow = Pick<
  JobRow,
  | "tenant"
  | "user"
  | "name"
  | "service"
  | "env"
  | "outputs"
  | "priority"
  | "timeout_seconds"
  | "cpus"
  | "memory_bytes"
  | "requeue"
  | "retries"
  | "idempotency_key"
  | "request_sha256"
  | "input_sha256"
  | "input_size_bytes"
  | "input_root"
  | "input_entries"
  | "input_extracted_bytes"
  | "submitted_at"
>;

/** Columns that a change of status may write besides. */
export type JobChanges = Partial<
  Pick<
    JobRow,
    | "attempt"
    | "not_before"
    | "pause_ms"
    | "agent"
    | "agent_reason"
    | "started_at"
    | "finished_at"
    | "clock_boot"
    | "clock_ms"
    | "runtime_seconds"
    | "outcome_reason"
    | "exit_code"
    | "signal"
    | "outcome_message"
    | "findings"
    | "wall_seconds"
    | "cpu_seconds"
    | "max_rss_bytes"
    | "result_sha256"
    | "result_size_bytes"
    | "refusals"
    | "refused_at"
    | "refused_ms"
  >
>;

export interface JobEventRow {
  readonly at: number;
  readonly type: "submitted" | "status" | "cancel_requested" | "agent_refused" | "not_sent";
  readonly status: JobStatus;
  readonly reason: string | null;
  readonly attempt: number;
  readonly agent: string | null;
  readonly message: string | null;
  readonly repeats: number;
}
