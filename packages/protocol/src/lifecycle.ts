/**
 * The life of a job, as data. The store's `transition()` is the only writer of a status and
 * consults this table, so a change that is not listed here cannot happen.
 */

export const JOB_STATUSES = [
  "queued",
  "dispatched",
  "running",
  "collecting",
  "completed",
  "failed",
  "invalid",
  "timed_out",
  "cancelled",
  "lost",
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** Statuses that never change again. */
export const TERMINAL_STATUSES = [
  "completed",
  "failed",
  "invalid",
  "timed_out",
  "cancelled",
  "lost",
] as const satisfies readonly JobStatus[];
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number];

/** Statuses in which an agent holds the current attempt. */
export const ATTEMPT_STATUSES = [
  "dispatched",
  "running",
  "collecting",
] as const satisfies readonly JobStatus[];

/** Statuses in which the attempt occupies a slot of its agent. */
export const SLOT_STATUSES = ["dispatched", "running"] as const satisfies readonly JobStatus[];

/**
 * From which status to which. The way back to `queued`, and to `lost`, is the loss of an agent;
 * `queued` to `cancelled` is a cancel before any agent was involved. Every other end goes through
 * `collecting`, where the result is fetched and verified.
 */
export const TRANSITIONS: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  queued: ["dispatched", "cancelled"],
  dispatched: ["running", "collecting", "queued", "cancelled", "lost"],
  running: ["collecting", "queued", "cancelled", "lost"],
  collecting: ["completed", "failed", "invalid", "timed_out", "cancelled", "queued", "lost"],
  completed: [],
  failed: [],
  invalid: [],
  timed_out: [],
  cancelled: [],
  lost: [],
};

/** Statuses from which `to` may be reached. */
export function statusesBefore(to: JobStatus): JobStatus[] {
  return JOB_STATUSES.filter((from) => TRANSITIONS[from].includes(to));
}

export function isTerminal(status: JobStatus): status is TerminalStatus {
  return (TERMINAL_STATUSES as readonly JobStatus[]).includes(status);
}

/**
 * How a run ended: a closed list.
 *
 * - `exited`: run.sh ended by itself, with `exitCode`
 * - `signaled`: run.sh was killed by `signal`, and not by jobctl
 * - `timed_out`, `cancelled`: jobctl stopped it
 * - `rejected`: it was never started (no run.sh, or the validator said no)
 * - `oom_killed`, `disk_full`, `output_limit`: it used more than it was given
 * - `agent_lost`: its agent was lost and no attempt was left
 * - `executor_error`: the agent could not run it; the message says why
 * - `input_damaged`: its archive, as the server had stored it, is damaged or missing
 * - `never_started`: for too long no agent would or could start it; the message has the last refusal
 */
export const OUTCOME_REASONS = [
  "exited",
  "signaled",
  "timed_out",
  "cancelled",
  "rejected",
  "oom_killed",
  "disk_full",
  "output_limit",
  "agent_lost",
  "executor_error",
  "input_damaged",
  "never_started",
] as const;
export type OutcomeReason = (typeof OUTCOME_REASONS)[number];

/** The one status that an outcome leads to. */
export function statusForOutcome(reason: OutcomeReason, exitCode: number | null): TerminalStatus {
  switch (reason) {
    case "exited":
      return exitCode === 0 ? "completed" : "failed";
    case "timed_out":
      return "timed_out";
    case "cancelled":
      return "cancelled";
    case "rejected":
      return "invalid";
    case "agent_lost":
      return "lost";
    case "signaled":
    case "oom_killed":
    case "disk_full":
    case "output_limit":
    case "executor_error":
    case "input_damaged":
    case "never_started":
      return "failed";
  }
}

/** Why a queued job waits. */
export const QUEUE_REASONS = [
  "user_limit",
  "service_limit",
  "tenant_limit",
  "no_agent",
  "agents_busy",
  "agents_draining",
  "dependency",
  "retry_pause",
] as const;
export type QueueReason = (typeof QUEUE_REASONS)[number];

/**
 * What an agent says of an attempt. `finished` is its last word, and so is `interrupted`: the agent
 * went down while it ran, or may have run, or has lost its files; and nothing of it is left.
 */
export const ATTEMPT_STATES = [
  "accepted",
  "running",
  "packing",
  "finished",
  "interrupted",
] as const;
export type AttemptState = (typeof ATTEMPT_STATES)[number];
