import { backoffMs, crashPoint, type Logger } from "@jobctl/daemon";
import {
  JobctlError,
  attemptId,
  isTerminal,
  toJobctlError,
  type Outcome,
  type ReconcileReport,
} from "@jobctl/protocol";

import type { AgentLink, LinkEvents } from "../agents/agent-link.js";
import type { AgentRegistry } from "../agents/agent-registry.js";
import type { BlobStore, StagedBlob } from "../blobs/blob-store.js";
import { ResultIntake } from "../blobs/result-intake.js";
import type { HeardReport } from "../heard-report.js";
import type { AttemptService } from "../jobs/attempt-service.js";
import type { JobRow } from "../store/job-row.js";
import type { AttemptSender } from "./attempt-sender.js";
import { Discards } from "./discards.js";
import { fetchResult } from "./fetch-result.js";
import { ProblemLog } from "./problem-log.js";
import { STORE_AGAIN_MS, isNotStored, untilStored } from "./until-stored.js";

/** The figures in the database only serve until an agent has been heard after a restart. */
const SAVE_EVERY_MS = 5000;
/** After so many wrong results of one attempt it counts as lost. */
const MAX_MISMATCHES = 5;
/** Upper bound on counted attempts; evicted ones start again at zero. */
const MAX_COUNTED = 10_000;
/** After so many failures of the agent to send a result, which take hours, its attempt counts as lost. */
const MAX_FAILURES = 500;
const AFTER_FAILURE = { firstMs: STORE_AGAIN_MS, maxMs: 30_000 };
const AFTER_MISMATCH = { firstMs: 1000, maxMs: 30_000 };

export interface AttemptTrackerParts {
  readonly attempts: AttemptService;
  readonly registry: AgentRegistry;
  readonly blobs: BlobStore;
  readonly sender: AttemptSender;
  /** Called when jobs may be dispatched that could not before. */
  readonly wake: () => void;
  readonly saveAgent: (link: AgentLink) => void;
  readonly logger: Logger;
}

/**
 * Follows the attempts on all agents: what an agent reports becomes a step of the job, a finished
 * attempt is fetched, stored and acknowledged, and after every reconnect the server's rows are
 * compared with the agent's list before anything new is sent there.
 */
export class AttemptTracker implements LinkEvents {
  readonly #parts: AttemptTrackerParts;
  readonly #discards: Discards;
  /** Attempts that are being collected, or wait to be collected again. */
  readonly #collecting = new Set<string>();
  /** Ends the wait for a result that its agent has not sent, and with it the attempt, by attempt. */
  readonly #waiting = new Map<string, () => void>();
  /** How often a result was not what its report announced, by attempt. */
  readonly #mismatches = new Map<string, number>();
  /** How often a result could not be stored, by attempt. */
  readonly #failures = new Map<string, number>();
  readonly #problems: ProblemLog;
  readonly #takingLater = new Set<string>();
  readonly #intake = new ResultIntake();
  readonly #savedAtMs = new WeakMap<AgentLink, number>();

  constructor(parts: AttemptTrackerParts) {
    this.#parts = parts;
    this.#discards = new Discards(parts.logger);
    this.#problems = new ProblemLog(parts.logger);
  }

  async onSnapshot(link: AgentLink, reports: readonly HeardReport[]): Promise<void> {
    const { attempts, registry, logger } = this.#parts;
    const name = link.name ?? "";
    registry.checkName(name, link.url);
    const unmatched = new Map(reports.map((report) => [report.id, report]));
    const ours = attempts.onAgent(name);
    for (const row of ours) {
      const id = attemptId(row.id, row.attempt);
      const report = unmatched.get(id);
      unmatched.delete(id);
      if (report !== undefined) this.#resume(link, row, report);
      else if (row.status === "dispatched") void this.#parts.sender.send(row, link, false);
      else attempts.lose(row.id, row.attempt, `agent ${name} no longer holds attempt ${id}`);
    }
    for (const id of unmatched.keys()) this.#discards.add(link, id);
    const facts = { agent: name, jobs: ours.length, stale: unmatched.size };
    const level = link.isRestless ? "debug" : "info";
    logger[level]({ event: "agent_reconciled", ...facts });
  }

  onReady(link: AgentLink): void {
    this.#noteReachable(link);
    this.onStatus(link);
  }

  onAttempt(link: AgentLink, report: HeardReport): void {
    try {
      this.#take(link, report);
    } catch (error) {
      // The database is full or locked: the agent keeps what it has, and nothing is lost.
      const facts = { attemptId: report.id, agent: link.name };
      this.#problems.note("report_not_stored", link.name, toJobctlError(error), facts);
      this.#takeLater(link, report);
    }
  }

  #take(link: AgentLink, report: HeardReport): void {
    const [jobId = 0, attempt = 0] = report.id.split(".").map(Number);
    const row = this.#parts.attempts.get(jobId);
    if (row === null || row.attempt !== attempt || row.agent !== link.name) {
      this.#mismatches.delete(report.id);
      this.#discards.add(link, report.id);
      return;
    }
    // Ended without it, as a job is that was cancelled while it was being sent.
    if (isTerminal(row.status)) {
      if (!this.#collecting.has(report.id)) this.#discards.add(link, report.id);
      return;
    }
    switch (report.state) {
      case "accepted":
        break;
      case "running":
        if (row.status === "dispatched") {
          this.#parts.attempts.markRunning(jobId, attempt, report);
        }
        break;
      case "packing":
        if (report.usage !== null) link.noteStarted();
        this.#parts.attempts.markCollecting(jobId, attempt, report);
        break;
      case "finished":
        void this.#collect(link, row, report);
        break;
      case "interrupted":
        this.#interrupted(link, row, report);
        break;
    }
  }

  /** What has not begun to run has not used up a try. */
  #interrupted(link: AgentLink, row: JobRow, report: HeardReport): void {
    const { sender, attempts } = this.#parts;
    const why = whyInterrupted(link, row, report);
    if (row.status === "dispatched" && report.startedAt === null)
      sender.failedToStart(row, link, new JobctlError("interrupted", why));
    else {
      sender.pauseAgent(row, link, new JobctlError("interrupted", why));
      attempts.lose(row.id, row.attempt, why);
    }
    this.#discards.add(link, report.id);
  }

  onStatus(link: AgentLink): void {
    const nowMs = performance.now();
    const due = nowMs - (this.#savedAtMs.get(link) ?? -Infinity) >= SAVE_EVERY_MS;
    if (due && link.state === "ready") {
      this.#savedAtMs.set(link, nowMs);
      this.#save(link);
    }
    this.#parts.wake();
  }

  /** The next load is another chance. */
  #save(link: AgentLink): void {
    try {
      this.#parts.saveAgent(link);
    } catch (error) {
      if (!isNotStored(error)) throw error;
      const facts = { agent: link.name };
      this.#problems.note("load_not_stored", link.name, toJobctlError(error), facts);
    }
  }

  onUnreachable(link: AgentLink): void {
    this.#noteReachable(link);
    this.#parts.wake();
  }

  #noteReachable(link: AgentLink): void {
    const { attempts, logger } = this.#parts;
    const note = (): void => attempts.setReachable(link.name ?? "", link.state === "ready");
    untilStored("whether an agent can be reached", note, logger);
  }

  onLost(link: AgentLink): void {
    const { attempts, logger, wake } = this.#parts;
    const name = link.name ?? "";
    const giveUp = (): void => {
      if (link.state !== "lost") return;
      for (const row of attempts.onAgent(name))
        attempts.lose(row.id, row.attempt, `agent ${name} has not been reachable for too long`);
      wake();
    };
    untilStored("that an agent is lost", giveUp, logger);
  }

  /**
   * Compares what an agent holds with the jobs, as it is done after every reconnect, while both go on:
   * what has changed meanwhile is left to the messages that say so.
   *
   * @param dryRun only tells what would be done
   */
  async sweep(link: AgentLink, dryRun: boolean): Promise<ReconcileReport["items"]> {
    const { attempts, logger } = this.#parts;
    const agent = link.name ?? link.url;
    const ours = attempts.onAgent(agent).filter(({ status }) => status !== "dispatched");
    if (link.state !== "ready") {
      return ours.map((row) => ({
        agent,
        attemptId: attemptId(row.id, row.attempt),
        finding: "agent_unreachable" as const,
        action: "wait until it can be reached, or counts as lost",
      }));
    }
    const reports = await link.client.listAttempts();
    const items: ReconcileReport["items"] = [];
    for (const report of reports) {
      const [jobId = 0, attempt = 0] = report.id.split(".").map(Number);
      const row = attempts.get(jobId);
      const isCurrent = row?.attempt === attempt && row.agent === agent && !isTerminal(row.status);
      const stays = isCurrent || this.#collecting.has(report.id);
      items.push({
        agent,
        attemptId: report.id,
        finding: stays ? "ok" : "stale",
        action: stays ? "none" : "stop it and delete it on the agent",
      });
      if (dryRun) continue;
      if (isCurrent) this.onAttempt(link, report);
      else if (!stays) this.#discards.add(link, report.id);
    }
    const held = new Set(reports.map(({ id }) => id));
    for (const before of ours) {
      const id = attemptId(before.id, before.attempt);
      const row = attempts.get(before.id);
      if (held.has(id) || row === null || row.attempt !== before.attempt || isTerminal(row.status))
        continue;
      items.push({ agent, attemptId: id, finding: "missing", action: "queue the job again" });
      if (!dryRun)
        attempts.lose(row.id, row.attempt, `agent ${agent} no longer holds attempt ${id}`);
    }
    logger.debug({ event: "agent_swept", agent, attempts: items.length, dryRun });
    return items;
  }

  /** Takes everything from an agent that is to be emptied, and stops it there. */
  evictAll(agent: string): void {
    const { attempts, registry, logger } = this.#parts;
    const link = registry.byName(agent);
    const evict = (): void => {
      const rows = attempts.onAgent(agent).filter(({ status }) => status !== "collecting");
      for (const row of rows) {
        attempts.evict(row.id, row.attempt, `agent ${agent} is being drained`);
        if (link?.state === "ready") this.#discards.add(link, attemptId(row.id, row.attempt));
      }
    };
    untilStored("that an agent is emptied", evict, logger);
  }

  /** Stops and deletes an attempt that an agent may hold, and that is not to be there. */
  discard(link: AgentLink, id: string): void {
    this.#discards.add(link, id);
  }

  /** Passes a cancel request on; what fails now is done again at the next reconnect. */
  async cancel(row: JobRow): Promise<void> {
    const { registry, sender, attempts } = this.#parts;
    const link = registry.byName(row.agent);
    if (link?.state !== "ready") return;
    if (row.status === "dispatched" && sender.interrupt(row)) return;
    const endUncollected = this.#waiting.get(attemptId(row.id, row.attempt));
    if (endUncollected !== undefined) return endUncollected();
    try {
      await link.client.cancelAttempt(attemptId(row.id, row.attempt));
      crashPoint("cancel.delivered");
    } catch (error) {
      const now = attempts.get(row.id);
      const isWaitedFor = now?.status === "dispatched" || now?.status === "running";
      // Its agent does not hold it: nothing of it is alive.
      if (
        toJobctlError(error).code === "attempt_not_found" &&
        isWaitedFor &&
        now.agent === row.agent
      ) {
        const gone = `agent ${link.name} does not hold it`;
        const end = (): unknown => attempts.lose(row.id, row.attempt, gone);
        return untilStored("that a cancelled job has ended", () => void end(), this.#parts.logger);
      }
      this.#parts.logger.warn({
        event: "cancel_not_delivered",
        jobId: row.id,
        attempt: row.attempt,
        err: error,
      });
    }
  }

  #resume(link: AgentLink, row: JobRow, report: HeardReport): void {
    this.onAttempt(link, report);
    if (row.cancel_requested_at !== null && report.state !== "finished") {
      void link.client.cancelAttempt(report.id).catch(() => {});
    }
  }

  /**
   * Fetches, verifies and stores a finished attempt, then acknowledges it. The agent keeps it until
   * then, so whatever fails in between is done again, at the latest after the next reconnect.
   */
  async #collect(link: AgentLink, row: JobRow, report: HeardReport): Promise<void> {
    const { attempts } = this.#parts;
    if (this.#collecting.has(report.id) || report.outcome === null) return;
    this.#collecting.add(report.id);
    try {
      if (failedToStart(report)) return this.#startElsewhere(link, row, report, report.outcome);
      if (report.usage !== null) link.noteStarted();
      attempts.markCollecting(row.id, row.attempt, report);
      const fetched =
        report.result === null
          ? null
          : await fetchResult(link, this.#parts.blobs, { id: report.id, ...report.result }, () =>
              this.#isCancelled(row),
            );
      crashPoint("collect.fetched");
      const { outcome, result } = await this.#inspect(link, report, report.outcome, fetched);
      await attempts.finish(row.id, row.attempt, report, outcome, result);
      crashPoint("collect.committed");
      await link.client.deleteAttempt(report.id);
      crashPoint("collect.acknowledged");
      this.#collected(report.id);
    } catch (error) {
      const problem = toJobctlError(error);
      const facts = { jobId: row.id, attempt: row.attempt, agent: link.name };
      this.#problems.note("collect_failed", link.name, problem, facts);
      this.#collectLater(link, row, report, problem);
    }
  }

  /** Nothing of it has run, and that is the machine's fault: the job is queued again. */
  #startElsewhere(link: AgentLink, row: JobRow, report: HeardReport, outcome: Outcome): void {
    const message = outcome.message ?? "it could not be started";
    this.#parts.sender.failedToStart(row, link, new JobctlError("sandbox_unavailable", message));
    this.#collected(report.id);
    this.#discards.add(link, report.id);
  }

  /**
   * A result that breaks the rules for archives is not stored. The job ends all the same, with a message
   * that says why: fetching the result again would change nothing.
   */
  async #inspect(
    link: AgentLink,
    report: HeardReport,
    outcome: Outcome,
    fetched: StagedBlob | null,
  ): Promise<{ outcome: Outcome; result: StagedBlob | null }> {
    if (fetched === null) return { outcome, result: null };
    let problem: JobctlError | null;
    try {
      problem = await this.#intake.problemWith(fetched);
    } catch (error) {
      await fetched.discard();
      throw error;
    }
    if (problem === null) return { outcome, result: fetched };
    await fetched.discard();
    const [jobId = 0, attempt = 0] = report.id.split(".").map(Number);
    this.#parts.logger.error(
      { event: "result_refused", jobId, attempt, agent: link.name, code: problem.code },
      problem.message,
    );
    const refusal = `the result from agent ${link.name} was not stored: ${problem.message}`;
    const message = outcome.message === null ? refusal : `${outcome.message}; ${refusal}`;
    return { outcome: { ...outcome, message }, result: null };
  }

  #collected(id: string): void {
    this.#collecting.delete(id);
    this.#mismatches.delete(id);
    this.#failures.delete(id);
  }

  /**
   * What stood in the way, such as a full volume, may be gone later. A result that is wrong every time
   * never becomes right: the attempt counts as lost, and its job can run elsewhere. A job that has been
   * cancelled does not wait for an agent that does not send its result. Until then the same report, sent
   * again, changes nothing.
   */
  #collectLater(link: AgentLink, row: JobRow, report: HeardReport, error: JobctlError): void {
    const giveUp = (): void => this.#giveUp(link, row, report, error);
    let waitMs: number;
    if (error.code === "digest_mismatch" || error.code === "agent_answer_invalid") {
      const failures = countUp(this.#mismatches, report.id);
      if (failures >= MAX_MISMATCHES) return giveUp();
      waitMs = backoffMs(failures, AFTER_MISMATCH, Math.random());
    } else {
      const failures = countUp(this.#failures, report.id);
      // A volume that is full for days is no reason to give up a result that its agent would send.
      if (failures >= MAX_FAILURES && !isOwnTrouble(error)) return giveUp();
      waitMs = backoffMs(failures, AFTER_FAILURE, Math.random());
    }
    if (!isOwnTrouble(error)) {
      if (this.#isCancelled(row)) return giveUp();
      this.#waiting.set(report.id, giveUp);
    }
    setTimeout(() => {
      this.#waiting.delete(report.id);
      this.#collecting.delete(report.id);
      if (link.state === "ready") this.onAttempt(link, report);
    }, waitMs).unref();
  }

  /** Whether a cancel of the job is stored. While the store cannot be read, it is not. */
  #isCancelled({ id, attempt }: JobRow): boolean {
    try {
      const now = this.#parts.attempts.get(id);
      return now?.attempt === attempt && now.cancel_requested_at !== null;
    } catch (error) {
      if (!isNotStored(error)) throw error;
      return false;
    }
  }

  #giveUp(link: AgentLink, row: JobRow, report: HeardReport, error: JobctlError): void {
    const { attempts, logger } = this.#parts;
    this.#waiting.delete(report.id);
    const tries = this.#mismatches.get(report.id) ?? this.#failures.get(report.id) ?? 0;
    const what = this.#mismatches.has(report.id)
      ? "sent a wrong result"
      : "did not send its result";
    const message = `agent ${link.name} ${what} ${tries} times: ${error.message}`;
    const lose = (): void => {
      attempts.lose(row.id, row.attempt, message);
      this.#collected(report.id);
      this.#discards.add(link, report.id);
    };
    untilStored("that a result is wrong", lose, logger);
  }

  /** Handles the report again later, when the store may be available. */
  #takeLater(link: AgentLink, report: HeardReport): void {
    if (this.#takingLater.has(report.id)) return;
    this.#takingLater.add(report.id);
    setTimeout(() => {
      this.#takingLater.delete(report.id);
      if (link.state === "ready") this.onAttempt(link, report);
    }, STORE_AGAIN_MS).unref();
  }
}

/** @returns how often the attempt has been counted */
function countUp(counts: Map<string, number>, id: string): number {
  const count = (counts.get(id) ?? 0) + 1;
  counts.set(id, count);
  const [oldest] = counts.keys();
  if (counts.size > MAX_COUNTED && oldest !== undefined) counts.delete(oldest);
  return count;
}

/** Whether the agent could not start it at all. What has run, however short, has been measured. */
function failedToStart({ outcome, usage }: HeardReport): boolean {
  return outcome?.reason === "executor_error" && usage === null;
}

/** What had ended and is to be run again has lost its files. */
function whyInterrupted({ name }: AgentLink, row: JobRow, report: HeardReport): string {
  if (row.status === "dispatched") return `agent ${name} gave it back before it ran`;
  if (row.status !== "collecting")
    return `agent ${name} ${report.interruption === "files_lost" ? "has lost its files" : "went down while it ran"}`;
  return `agent ${name} has lost what it had kept of attempt ${attemptId(row.id, row.attempt)}`;
}

/** Whether the server could not store a result. What fails on the agent's side has other codes. */
function isOwnTrouble(error: JobctlError): boolean {
  const { code } = error;
  return isNotStored(error) || code === "internal" || code === "overloaded";
}
