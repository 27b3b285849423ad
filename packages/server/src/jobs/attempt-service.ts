import { backoffMs, crashPoint, type Logger } from "@jobctl/daemon";
import {
  isTerminal,
  statusForOutcome,
  type AttemptReport,
  type Outcome,
  type TerminalStatus,
} from "@jobctl/protocol";

import type { BlobStore, StagedBlob } from "../blobs/blob-store.js";
import type { JobChanges, JobRow } from "../store/job-row.js";
import type { Store } from "../store/store.js";
import { commitWithRow } from "./commit-blob.js";
import type { JobEvents } from "./job-events.js";

/** Between a failure and the next try that the user asked for. */
export const RETRY_PAUSE = { firstMs: 1000, maxMs: 600_000 };

export interface AttemptServiceParts {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: JobEvents;
  readonly logger: Logger;
  readonly maxRequeues: number;
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
    return this.#change(jobId, (before, at) => {
      const attempt = before.attempt + 1;
      const row = store.jobs.transition(jobId, {
        to: "dispatched",
        attempt: before.attempt,
        at,
        set: { attempt, agent, not_before: null },
      });
      if (row !== null) store.attempts.begin(jobId, attempt, agent, at);
      return row;
    });
  }

  /**
   * The agent would not take it: back to the queue, as if it had not been tried.
   *
   * @param notBefore when it may be tried again, in milliseconds since 1970; null is at once
   */
  release(
    jobId: number,
    attempt: number,
    message: string,
    notBefore: number | null = null,
  ): JobRow | null {
    const { store } = this.#parts;
    return this.#change(jobId, (before, at) => {
      if (before.attempt !== attempt || before.status !== "dispatched") return null;
      store.attempts.end(jobId, attempt, "refused", at, null);
      store.jobs.addEvent(before, { at, type: "agent_refused", reason: null, message });
      if (before.cancel_requested_at !== null) return this.#end(before, at, "cancelled", message);
      return this.#backToQueue(before, at, null, notBefore === null ? null : Math.round(notBefore));
    });
  }

  markRunning(jobId: number, attempt: number, reportedStart: string | null): JobRow | null {
    const { store } = this.#parts;
    return this.#change(jobId, (before, at) => {
      const startedAt = plausibleTime(reportedStart, before.submitted_at, at);
      const row = store.jobs.transition(jobId, {
        to: "running",
        attempt,
        at,
        set: { started_at: startedAt },
      });
      if (row !== null) store.attempts.started(jobId, attempt, startedAt);
      return row;
    });
  }

  markCollecting(jobId: number, attempt: number, report: AttemptReport): JobRow | null {
    const { store } = this.#parts;
    return this.#change(jobId, (before, at) => {
      const startedAt =
        report.startedAt === null ? null : plausibleTime(report.startedAt, before.submitted_at, at);
      return store.jobs.transition(jobId, {
        to: "collecting",
        attempt,
        at,
        set: { started_at: startedAt },
      });
    });
  }

  /**
   * The end of a job: its outcome, and its result if there is one. Takes over the staged result;
   * when the job has moved on it is thrown away.
   */
  async finish(
    jobId: number,
    attempt: number,
    report: AttemptReport,
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
      this.#change(jobId, (row, at) => {
        store.attempts.end(jobId, attempt, "collected", at, outcome);
        return store.jobs.transition(jobId, {
          to: status,
          attempt,
          at,
          set: {
            ...outcomeColumns(outcome, at),
            ...reportColumns(report, row, at),
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
        at + pauseMs,
      );
    });
  }

  /** Takes an attempt from an agent that is to be emptied; it counts neither as lost nor as failed. */
  evict(jobId: number, attempt: number, message: string): JobRow | null {
    const { store } = this.#parts;
    return this.#change(jobId, (before, at) => {
      if (before.attempt !== attempt || isTerminal(before.status)) return null;
      store.attempts.end(jobId, attempt, "drained", at, null);
      if (before.cancel_requested_at !== null) return this.#end(before, at, "cancelled", message);
      if (before.requeue === 1) return this.#backToQueue(before, at, message);
      return this.#end(before, at, "agent_lost", message);
    });
  }

  /** The agent is gone, and with it the attempt: another try, or the end. */
  lose(jobId: number, attempt: number, message: string): JobRow | null {
    const { store, maxRequeues } = this.#parts;
    return this.#change(jobId, (before, at) => {
      if (before.attempt !== attempt) return null;
      store.attempts.end(jobId, attempt, "lost", at, null);
      if (before.cancel_requested_at !== null) return this.#end(before, at, "cancelled", message);
      const triesLeft = before.requeue === 1 && store.attempts.countLost(jobId) <= maxRequeues;
      if (triesLeft) return this.#backToQueue(before, at, message);
      return this.#end(before, at, "agent_lost", message);
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
    notBefore: number | null = null,
  ): JobRow | null {
    return this.#parts.store.jobs.transition(before.id, {
      to: "queued",
      attempt: before.attempt,
      at,
      set: { agent: null, agent_reason: null, started_at: null, not_before: notBefore },
      message,
    });
  }

  /** The end of a job of which no agent has anything to tell. */
  #end(
    before: JobRow,
    at: number,
    reason: "cancelled" | "agent_lost",
    message: string,
  ): JobRow | null {
    return this.#parts.store.jobs.transition(before.id, {
      to: statusForOutcome(reason, null),
      attempt: before.attempt,
      at,
      set: outcomeColumns({ reason, exitCode: null, signal: null, message }, at),
      reason,
      message,
    });
  }

  #change(jobId: number, change: (before: JobRow, at: number) => JobRow | null): JobRow | null {
    const { store, events, logger } = this.#parts;
    const row = store.transaction(() => {
      const before = store.jobs.get(jobId);
      return before === null ? null : change(before, Date.now());
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

/**
 * When something happened on an agent, as far as it can be true: its clock may be wrong, and its word
 * too. A job starts and ends after it was submitted, and not in the future.
 *
 * @param reported an instant as the agent gave it; null stands for now
 */
function plausibleTime(reported: string | null, earliest: number, now: number): number {
  const at = reported === null ? now : Date.parse(reported);
  return Number.isNaN(at) ? now : Math.max(earliest, Math.min(at, now));
}

function reportColumns(report: AttemptReport, row: JobRow, now: number): JobChanges {
  return {
    findings: JSON.stringify(report.findings),
    ...(report.finishedAt === null
      ? {}
      : { finished_at: plausibleTime(report.finishedAt, row.started_at ?? row.submitted_at, now) }),
    wall_seconds: report.usage?.wallSeconds ?? null,
    cpu_seconds: report.usage?.cpuSeconds ?? null,
    max_rss_bytes: report.usage?.maxRssBytes ?? null,
  };
}

function resultColumns(result: StagedBlob | null): JobChanges {
  return { result_sha256: result?.sha256 ?? null, result_size_bytes: result?.sizeBytes ?? null };
}
