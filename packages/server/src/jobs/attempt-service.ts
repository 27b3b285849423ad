import { backoffMs, crashPoint, type Logger } from "@jobctl/daemon";
import {
  ATTEMPT_STATUSES,
  isTerminal,
  statusForOutcome,
  type JobStatus,
  type Outcome,
  type TerminalStatus,
} from "@jobctl/protocol";

import type { BlobStore, StagedBlob } from "../blobs/blob-store.js";
import type { HeardReport } from "../heard-report.js";
import type { JobChanges, JobRow } from "../store/job-row.js";
import type { Transition } from "../store/job-store.js";
import type { Store } from "../store/store.js";
import { commitWithRow } from "./commit-blob.js";
import type { JobEvents } from "./job-events.js";
import {
  clockColumns,
  earliestEnd,
  endedAt,
  readClocks,
  reportedRuntime,
  runtimeSeconds,
  startColumns,
  type ClockReading,
} from "./runtime.js";

/** Between a failure and the next try that the user asked for. */
const RETRY_PAUSE = { firstMs: 1000, maxMs: 600_000 };

/**
 * Most that one refusal adds to the time for which a job has been refused: neither a clock that jumps nor
 * a long wait for a free slot ends a job.
 */
const MAX_REFUSAL_STEP_MS = 600_000;

/** A dispatch that came to nothing, or a start that failed. */
export interface Refusal {
  readonly type: "agent_refused" | "not_sent";
  readonly message: string;
  /** How long the job is left alone, in milliseconds; null is not at all. */
  readonly pauseMs: number | null;
  /** Whether no agent can know of the attempt: then its number is given out again. */
  readonly isUnused: boolean;
}

export interface AttemptServiceParts {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: JobEvents;
  readonly logger: Logger;
  readonly maxRequeues: number;
  /** For how long a job is tried again that no agent starts, in milliseconds. */
  readonly maxRefusedMs: number;
}

/**
 * What the scheduler does with jobs: every step of an attempt, as one transaction each.
 *
 * All of them name the attempt that they are about, and do nothing (null) once the job has moved
 * on: a late or repeated word of an agent cannot change anything.
 */
export class AttemptService {
  readonly #parts: AttemptServiceParts;

  constructor(parts: AttemptServiceParts) {
    this.#parts = parts;
  }

  open(): JobRow[] {
    return this.#parts.store.jobs.open();
  }

  get(jobId: number): JobRow | null {
    return this.#parts.store.jobs.get(jobId);
  }

  onAgent(agent: string): JobRow[] {
    return this.#parts.store.jobs.onAgent(agent);
  }

  /** The next attempt at a queued job, committed before the agent hears of it. */
  claim(jobId: number, agent: string): JobRow | null {
    const { store } = this.#parts;
    return this.#change(jobId, (before, at, clocks) => {
      const attempt = store.attempts.nextNumber(jobId, before.attempt);
      const row = store.jobs.transition(jobId, {
        to: "dispatched",
        attempt: before.attempt,
        at,
        set: { attempt, agent, not_before: null, pause_ms: null, ...clockColumns(clocks) },
      });
      if (row !== null) store.attempts.begin(jobId, attempt, agent, at);
      return row;
    });
  }

  /**
   * It was not taken, or could not be started: back to the queue, as if it had not been tried. A job that
   * has been refused for too long ends.
   */
  release(jobId: number, attempt: number, refusal: Refusal): JobRow | null {
    const { store, maxRefusedMs } = this.#parts;
    return this.#change(jobId, (before, at, clocks) => {
      if (before.attempt !== attempt || !holdsAttempt(before)) return null;
      const { message, isUnused, pauseMs } = refusal;
      const isNumberFree = isUnused && before.status === "dispatched";
      store.jobs.addNotDispatched(before, { at, type: refusal.type, message });
      const refused = countRefusal(before, at);
      const isOver = refused.refused_ms >= maxRefusedMs;
      if (before.cancel_requested_at === null && !isOver && isNumberFree)
        store.attempts.remove(jobId, attempt);
      else store.attempts.end(jobId, attempt, "refused", at, null);
      if (before.cancel_requested_at !== null)
        return this.#end(before, at, clocks, "cancelled", message);
      if (isOver) {
        const seconds = Math.round(maxRefusedMs / 1000);
        const text = `it could not be started for ${seconds} s (JOBCTL_MAX_REFUSED_SECONDS): ${message}`;
        return this.#endUnsent(before, at, clocks, "never_started", text);
      }
      return store.jobs.transition(jobId, {
        to: "queued",
        attempt,
        at,
        set: {
          ...NOT_STARTED,
          ...pauseColumns(at, pauseMs),
          ...refused,
          ...(isNumberFree ? { attempt: attempt - 1 } : {}),
        },
        silent: true,
      });
    });
  }

  /** Ends a job whose archive cannot be sent to any agent. */
  endDamaged(jobId: number, attempt: number, message: string): JobRow | null {
    const { store } = this.#parts;
    return this.#change(jobId, (before, at, clocks) => {
      if (before.attempt !== attempt || before.status !== "dispatched") return null;
      store.attempts.end(jobId, attempt, "refused", at, null);
      if (before.cancel_requested_at !== null)
        return this.#end(before, at, clocks, "cancelled", message);
      return this.#endUnsent(before, at, clocks, "input_damaged", message);
    });
  }

  /** By the lifecycle every failed job has been collected, also one of which there is nothing. */
  #endUnsent(
    before: JobRow,
    at: number,
    clocks: ClockReading,
    reason: "input_damaged" | "never_started",
    message: string,
  ): JobRow | null {
    const { attempt, id, status } = before;
    if (status !== "collecting")
      this.#parts.store.jobs.transition(id, { to: "collecting", attempt, at, silent: true });
    return this.#end(before, at, clocks, reason, message);
  }

  markRunning(jobId: number, attempt: number, report: HeardReport): JobRow | null {
    return this.#change(jobId, (before, at, clocks) => {
      const started = this.#startOf(before, attempt, report, clocks);
      return this.#started({ to: "running", attempt, at, set: started }, jobId);
    });
  }

  markCollecting(jobId: number, attempt: number, report: HeardReport): JobRow | null {
    return this.#change(jobId, (before, at, clocks) => {
      const started =
        report.startedAt === null ? {} : this.#startOf(before, attempt, report, clocks);
      const runtime = reportedRuntime(report, { ...before, ...started }, clocks);
      const set = { ...started, runtime_seconds: runtime };
      return this.#started({ to: "collecting", attempt, at, set }, jobId);
    });
  }

  /** When a job started; what has been stored of that stays. */
  #startOf(row: JobRow, attempt: number, report: HeardReport, clocks: ClockReading): JobChanges {
    if (row.started_at !== null) return {};
    return startColumns(report, row, this.#parts.store.attempts.begunAt(row.id, attempt), clocks);
  }

  #started(change: Transition, jobId: number): JobRow | null {
    const { store } = this.#parts;
    const row = store.jobs.transition(jobId, change);
    const startedAt = change.set?.started_at;
    if (row !== null && startedAt != null) store.attempts.started(jobId, change.attempt, startedAt);
    return row;
  }

  /**
   * The end of a job: its outcome, and its result if there is one. Takes over the staged result;
   * when the job has moved on it is thrown away.
   */
  async finish(
    jobId: number,
    attempt: number,
    report: HeardReport,
    outcome: Outcome,
    result: StagedBlob | null,
  ): Promise<JobRow | null> {
    const { store } = this.#parts;
    const status = statusForOutcome(outcome.reason, outcome.exitCode);
    const before = store.jobs.get(jobId);
    if (before?.attempt !== attempt || before.status !== "collecting") {
      await result?.discard();
      return null;
    }
    if (this.#mayRetry(before, status)) {
      await result?.discard();
      return this.#retry(jobId, attempt, outcome);
    }
    const end = (): JobRow | null =>
      this.#change(jobId, (row, at, clocks) => {
        store.attempts.end(jobId, attempt, "collected", at, outcome);
        return store.jobs.transition(jobId, {
          to: status,
          attempt,
          at,
          set: {
            ...outcomeColumns(outcome, at),
            ...reportColumns(report, row, clocks),
            ...resultColumns(result),
          },
          reason: outcome.reason,
          message: outcome.message,
        });
      });
    return result === null ? end() : commitWithRow(result, this.#parts, end);
  }

  /** Whether the user asked for another try when it fails. What was rejected fails again. */
  #mayRetry(row: JobRow, status: TerminalStatus): boolean {
    const failed = status === "failed" || status === "timed_out";
    if (!failed || row.cancel_requested_at !== null) return false;
    return this.#parts.store.attempts.countCollected(row.id) < row.retries;
  }

  /** Back to the queue after a failure, for a while that grows with each of them. */
  #retry(jobId: number, attempt: number, outcome: Outcome): JobRow | null {
    const { store } = this.#parts;
    return this.#change(jobId, (before, at) => {
      if (before.attempt !== attempt) return null;
      const pauseMs = backoffMs(
        store.attempts.countCollected(jobId) + 1,
        RETRY_PAUSE,
        Math.random(),
      );
      store.attempts.end(jobId, attempt, "collected", at, outcome);
      const how = outcome.exitCode === null ? outcome.reason : `exit code ${outcome.exitCode}`;
      return this.#backToQueue(
        before,
        at,
        `attempt ${attempt} failed (${how}); tried again in ${Math.ceil(pauseMs / 1000)} s`,
        pauseMs,
      );
    });
  }

  /** Takes an attempt from an agent that is to be emptied; it counts neither as lost nor as failed. */
  evict(jobId: number, attempt: number, message: string): JobRow | null {
    const { store } = this.#parts;
    return this.#change(jobId, (before, at, clocks) => {
      if (before.attempt !== attempt || isTerminal(before.status)) return null;
      store.attempts.end(jobId, attempt, "drained", at, null);
      if (before.cancel_requested_at !== null)
        return this.#end(before, at, clocks, "cancelled", message);
      if (before.requeue === 1) return this.#backToQueue(before, at, message);
      return this.#end(before, at, clocks, "agent_lost", message);
    });
  }

  /** The agent is gone, and with it the attempt: another try, or the end. */
  lose(jobId: number, attempt: number, message: string): JobRow | null {
    const { store, maxRequeues } = this.#parts;
    return this.#change(jobId, (before, at, clocks) => {
      if (before.attempt !== attempt) return null;
      store.attempts.end(jobId, attempt, "lost", at, null);
      if (before.cancel_requested_at !== null)
        return this.#end(before, at, clocks, "cancelled", message);
      const triesLeft = before.requeue === 1 && store.attempts.countLost(jobId) <= maxRequeues;
      if (triesLeft) return this.#backToQueue(before, at, message);
      return this.#end(before, at, clocks, "agent_lost", message);
    });
  }

  /** Notes on the jobs of an agent whether it can be reached. */
  setReachable(agent: string, reachable: boolean): void {
    const { store, events } = this.#parts;
    const reason = reachable ? null : "agent_unreachable";
    if (!store.transaction(() => store.jobs.setAgentReason(agent, reason))) return;
    for (const row of store.jobs.onAgent(agent)) events.announce(row);
  }

  #backToQueue(
    before: JobRow,
    at: number,
    message: string | null = null,
    pauseMs: number | null = null,
  ): JobRow | null {
    return this.#parts.store.jobs.transition(before.id, {
      to: "queued",
      attempt: before.attempt,
      at,
      set: {
        ...NOT_STARTED,
        ...pauseColumns(at, pauseMs),
        ...NOT_REFUSED,
      },
      message,
    });
  }

  /** The end of a job of which no agent has anything to tell. */
  #end(
    before: JobRow,
    at: number,
    clocks: ClockReading,
    reason: "cancelled" | "agent_lost" | "input_damaged" | "never_started",
    message: string,
  ): JobRow | null {
    return this.#parts.store.jobs.transition(before.id, {
      to: statusForOutcome(reason, null),
      attempt: before.attempt,
      at,
      set: {
        ...outcomeColumns({ reason, exitCode: null, signal: null, message }, at),
        runtime_seconds: runtimeSeconds(before, clocks),
      },
      reason,
      message,
    });
  }

  /**
   * @param change gets what all clocks show, and when the change is, which is never before an earlier one:
   *   the time of day may have been set back
   */
  #change(
    jobId: number,
    change: (before: JobRow, at: number, clocks: ClockReading) => JobRow | null,
  ): JobRow | null {
    const { store, events, logger } = this.#parts;
    const row = store.transaction(() => {
      const before = store.jobs.get(jobId);
      if (before === null) return null;
      const clocks = readClocks();
      const at = Math.max(
        clocks.wallMs,
        store.jobs.lastEventAt(jobId),
        earliestEnd(before, clocks),
      );
      return change(before, at, clocks);
    });
    if (row === null) return null;
    crashPoint(`job.${row.status}`);
    logger.info({
      event: `job_${row.status}`,
      jobId,
      attempt: row.attempt,
      agent: row.agent,
      reason: row.outcome_reason,
    });
    events.announce(row);
    return row;
  }
}

const NOT_STARTED = {
  ...{ agent: null, agent_reason: null },
  ...{ started_at: null, clock_boot: null, clock_ms: null, runtime_seconds: null },
} as const;

const NOT_REFUSED = { refusals: 0, refused_at: null, refused_ms: 0 } as const;

function holdsAttempt({ status }: JobRow): boolean {
  return (ATTEMPT_STATUSES as readonly JobStatus[]).includes(status);
}

function pauseColumns(at: number, pauseMs: number | null): JobChanges {
  return {
    not_before: pauseMs === null ? null : Math.round(at + pauseMs),
    pause_ms: pauseMs === null ? null : Math.round(pauseMs),
  };
}

function countRefusal(before: JobRow, at: number) {
  const stepMs = Math.max(0, at - (before.refused_at ?? at));
  return {
    refusals: before.refusals + 1,
    refused_at: at,
    refused_ms: before.refused_ms + Math.min(stepMs, MAX_REFUSAL_STEP_MS),
  };
}

function outcomeColumns(outcome: Outcome, at: number): JobChanges {
  return {
    finished_at: at,
    agent_reason: null,
    outcome_reason: outcome.reason,
    exit_code: outcome.exitCode,
    signal: outcome.signal,
    outcome_message: outcome.message,
  };
}

function reportColumns(report: HeardReport, row: JobRow, clocks: ClockReading): JobChanges {
  return {
    findings: JSON.stringify(report.findings),
    ...(report.finishedAt === null
      ? {}
      : { finished_at: endedAt(report, earliestEnd(row, clocks), clocks) }),
    wall_seconds: report.usage?.wallSeconds ?? null,
    cpu_seconds: report.usage?.cpuSeconds ?? null,
    max_rss_bytes: report.usage?.maxRssBytes ?? null,
  };
}

function resultColumns(result: StagedBlob | null): JobChanges {
  return { result_sha256: result?.sha256 ?? null, result_size_bytes: result?.sizeBytes ?? null };
}
