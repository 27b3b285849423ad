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
/**
 * How often a job's archive is found missing where others are, or damaged, before that ends the job. Between
 * two times the job pauses: a volume or its controller may have been in trouble.
 */
const MAX_SIGHTINGS: Partial<Record<ErrorCode, number>> = { blob_missing: 5, blob_damaged: 2 };
/** Upper bound on counted jobs; evicted ones start again at zero. */
const MAX_COUNTED = 10_000;

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
  /** Whether no request about it has been made, or only one for which there was no room. */
  isUnused: boolean;
}

/** What becomes of jobs whose attempts no agent has taken: they are queued again, or end. */
export class UnsentJobs {
  readonly #parts: UnsentJobsParts;
  /** What was wrong with the archive of a job, and how often in a row, by job. */
  readonly #sightings = new Map<number, { readonly code: ErrorCode; readonly count: number }>();

  constructor(parts: UnsentJobsParts) {
    this.#parts = parts;
  }

  /**
   * The stored archive is the job's end when it is found damaged or gone time after time; anything else is
   * trouble that passes.
   */
  impossible(unsent: Unsent, error: JobctlError): void {
    const { row } = unsent;
    const most = MAX_SIGHTINGS[error.code];
    if (most !== undefined && this.#countSighting(row.id, error.code) >= most) {
      this.#sightings.delete(row.id);
      this.#parts.logger.error(
        { event: "input_damaged", jobId: row.id, sha256: row.input_sha256, code: error.code },
        error.message,
      );
      this.#parts.attempts.endDamaged(row.id, row.attempt, error.message);
      return;
    }
    if (most === undefined) this.#parts.onOwnTrouble(error);
    this.notSent(unsent, error);
  }

  /** Back to the queue, for a while that grows; no agent is to blame. */
  notSent({ row, isUnused }: Unsent, error: JobctlError): void {
    this.#parts.attempts.release(row.id, row.attempt, {
      type: "not_sent",
      message: error.message,
      pauseMs: jobPauseMs(row),
      isUnused,
    });
  }

  /** Called when the whole archive of a job has been read, and was right. */
  archiveIsRight(jobId: number): void {
    this.#sightings.delete(jobId);
  }

  /** @returns how often in a row the same was wrong with the archive of this job */
  #countSighting(jobId: number, code: ErrorCode): number {
    const before = this.#sightings.get(jobId);
    const count = before?.code === code ? before.count + 1 : 1;
    this.#sightings.delete(jobId);
    this.#sightings.set(jobId, { code, count });
    const [oldest] = this.#sightings.keys();
    if (this.#sightings.size > MAX_COUNTED && oldest !== undefined) this.#sightings.delete(oldest);
    return count;
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
      isUnused,
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
export function pauseAgent(link: AgentLink, jobId: number, error: JobctlError): void {
  const code: ErrorCode = error.code;
  if (code === "draining") return link.markFull(AGENT_PAUSE.firstMs);
  link.noteRefusal(jobId, error, code === "no_room" ? USUAL_REFUSALS : 0);
  const pauseMs = backoffMs(link.refusals, AGENT_PAUSE, Math.random());
  link.markFull(Math.max(pauseMs, (error.retryAfterSeconds ?? 0) * 1000));
}
