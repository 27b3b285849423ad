import { backoffMs, wallInstant, type Logger } from "@jobctl/daemon";
import { attemptId, type ErrorCode, type JobctlError } from "@jobctl/protocol";

import type { AgentLink } from "../agents/agent-link.js";
import { heard } from "../heard-report.js";
import type { AttemptService } from "../jobs/attempt-service.js";
import type { JobRow } from "../store/job-row.js";
import { refusalKind } from "./refusal-kind.js";

/** Pauses of an agent that refuses work, time after time. */
const AGENT_PAUSE = { firstMs: 1000, maxMs: 30_000 };
/** Pauses of a job that is refused, time after time. */
const JOB_PAUSE = { firstMs: 1500, maxMs: 60_000 };
/** How often a job's archive is looked for where others are, before it counts as gone. */
const MAX_MISSES = 4;

export interface UnsentJobsParts {
  readonly attempts: AttemptService;
  /** Called with what keeps the server itself from sending. */
  readonly onOwnTrouble: (error: JobctlError) => void;
  readonly logger: Logger;
}

/** An attempt that no agent holds. */
export interface Unsent {
  readonly row: JobRow;
  readonly link: AgentLink;
  /** Whether no request about it has been made, or only one that was answered. */
  isUnused: boolean;
}

/** What becomes of jobs whose attempts no agent has taken: they are queued again, or end. */
export class UnsentJobs {
  readonly #parts: UnsentJobsParts;

  constructor(parts: UnsentJobsParts) {
    this.#parts = parts;
  }

  /** The stored archive is the job's end when it is damaged or gone; anything else is trouble that passes. */
  impossible({ row, isUnused }: Unsent, error: JobctlError): void {
    const isMissing = error.code === "blob_missing";
    const isGone = isMissing && row.refusals >= MAX_MISSES;
    if (error.code === "blob_damaged" || isGone) {
      this.#parts.logger.error(
        { event: "input_damaged", jobId: row.id, sha256: row.input_sha256, code: error.code },
        error.message,
      );
      this.#parts.attempts.endDamaged(row.id, row.attempt, error.message);
      return;
    }
    if (!isMissing) this.#parts.onOwnTrouble(error);
    this.#parts.attempts.release(row.id, row.attempt, {
      type: "not_sent",
      message: error.message,
      pauseMs: jobPauseMs(row),
      isUnused,
    });
  }

  /**
   * Back to the queue. The agent is left alone for a while that grows; so is the job, unless the agent was
   * merely full.
   */
  refused({ row, link, isUnused }: Unsent, error: JobctlError): void {
    const isFull = refusalKind(error.code) === "full";
    pauseAgent(link, row.id, error);
    this.#parts.attempts.release(row.id, row.attempt, {
      type: "agent_refused",
      message: error.message,
      pauseMs: isFull ? null : jobPauseMs(row),
      // An agent that fails otherwise may have begun with it.
      isUnused: isUnused && isFull,
    });
    this.#parts.logger.warn(
      {
        ...{ event: "dispatch_refused", jobId: row.id, attempt: row.attempt },
        ...{ agent: link.name, code: error.code, refusals: link.refusals },
      },
      error.message,
    );
  }

  /** Every agent would refuse it: the refusal is the outcome. */
  async end(
    row: JobRow,
    reason: "rejected" | "executor_error",
    { message }: JobctlError,
  ): Promise<void> {
    const outcome = { reason, exitCode: null, signal: null, message };
    const report = heard({
      id: attemptId(row.id, row.attempt),
      state: "finished",
      startedAt: null,
      finishedAt: wallInstant(),
      outcome,
      findings: [],
      usage: null,
      result: null,
    });
    this.#parts.attempts.markCollecting(row.id, row.attempt, report);
    await this.#parts.attempts.finish(row.id, row.attempt, report, outcome, null);
  }
}

/** When a job that has been refused may be tried again. */
function jobPauseMs({ refusals }: JobRow): number {
  return backoffMs(refusals + 1, JOB_PAUSE, Math.random());
}

/** Refusals because an agent has no room are worth a word only when they go on. */
const USUAL_REFUSALS = 2;

/** An agent that drains says itself when it takes work again. */
function pauseAgent(link: AgentLink, jobId: number, error: JobctlError): void {
  const code: ErrorCode = error.code;
  if (code === "draining") return link.markFull(AGENT_PAUSE.firstMs);
  link.noteRefusal(jobId, error, code === "no_room" ? USUAL_REFUSALS : 0);
  const pauseMs = backoffMs(link.refusals, AGENT_PAUSE, Math.random());
  link.markFull(Math.max(pauseMs, (error.retryAfterSeconds ?? 0) * 1000));
}
