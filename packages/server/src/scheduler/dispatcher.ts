import { setTimeout as delay } from "node:timers/promises";

import { backoffMs, crashPoint, wallInstant, type Logger } from "@jobctl/daemon";
import { attemptId, toJobctlError, type AgentLoad, type JobctlError } from "@jobctl/protocol";

import type { AgentLink } from "../agents/agent-link.js";
import type { AgentRegistry } from "../agents/agent-registry.js";
import { heard, type HeardReport } from "../heard-report.js";
import type { AttemptService } from "../jobs/attempt-service.js";
import type { QueuePlace } from "../jobs/job-view.js";
import type { JobRow } from "../store/job-row.js";
import { attemptSpec, type JobPolicy } from "./attempt-spec.js";
import type { JobTable } from "./job-table.js";
import { STORE_AGAIN_MS, isNotStored } from "./until-stored.js";
import { PlaceCache } from "./place-cache.js";
import { refusalKind } from "./refusal-kind.js";
import { assign, explain, type AgentOffer, type RunLimits, type Situation } from "./placement.js";

const RESEND = { firstMs: 100, maxMs: 5000 };
/** How long an agent is left alone that had less room than the server believed, unless it says more. */
const FULL_MS = 1000;
/** How long an agent is left alone that refuses work for another reason, time after time. */
const REFUSED = { firstMs: 1000, maxMs: 15_000 };
/** A refused job waits longer than the agent that refused it, so that the next job gets its turn there. */
const REFUSED_JOB_FACTOR = 1.5;

/** Of CPUs or memory, whichever is scarcer, whoever uses it. */
function usedShare({ cpuPercent, memoryUsedBytes, memoryTotalBytes }: AgentLoad): number {
  return Math.max((cpuPercent ?? 0) / 100, memoryUsedBytes / memoryTotalBytes);
}

/** One that drains says itself when it takes work again. */
function fullMs({ code, retryAfterSeconds }: JobctlError): number {
  return code === "draining" ? FULL_MS : Math.max(FULL_MS, (retryAfterSeconds ?? 0) * 1000);
}

export interface DispatcherParts {
  readonly table: JobTable;
  readonly registry: AgentRegistry;
  readonly attempts: AttemptService;
  readonly policyOf: (service: string) => RunLimits & JobPolicy;
  /** @throws JobctlError `blob_damaged` */
  readonly archiveOf: (digest: string) => AsyncIterable<Buffer>;
  /** Whether an operator has told the agent to take no new work. */
  readonly isDrained: (agent: string) => boolean;
  /** Called with what an agent says of an attempt when it takes it. */
  readonly onReport: (link: AgentLink, report: HeardReport) => void;
  /** An agent gets no new work while more than this share of its CPUs or its memory is in use. */
  readonly capacityThreshold: number;
  readonly logger: Logger;
}

/**
 * Sends queued jobs to agents. It is woken by whatever may make a job runnable (a submit, an end,
 * an agent), decides once for all that happened in the same turn of the event loop, and never polls.
 */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  #woken = false;
  #stopped = false;
  #retryTimer: NodeJS.Timeout | undefined;
  #storeTimer: NodeJS.Timeout | undefined;
  readonly #places = new PlaceCache(() => this.#explain());
  #lastRunMs = performance.now();

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** Something has changed. */
  wake(): void {
    this.#places.invalidate();
    if (this.#woken || this.#stopped) return;
    this.#woken = true;
    setImmediate(() => {
      this.#woken = false;
      this.#dispatchOrWait();
    });
  }

  /** Time since it last looked for something to send. */
  get idleSeconds(): number {
    return Math.round(performance.now() - this.#lastRunMs) / 1000;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retryTimer);
  }

  /** Where the queued jobs stand, in order; of a long queue it may be some seconds old. */
  get places(): ReadonlyMap<number, QueuePlace> {
    return this.#places.current;
  }

  /** Sends an attempt that has been committed to its agent, until the outcome is known. */
  async send(row: JobRow, link: AgentLink): Promise<void> {
    const id = attemptId(row.id, row.attempt);
    const connection = link.connectionSignal;
    // Whether an earlier try may have reached the agent.
    let mayHold = false;
    for (let failures = 0; this.#isCurrent(row) && !connection.aborted;) {
      try {
        await link.untilCallsAllowed(connection);
        // After an unknown outcome the agent is asked before anything else is done.
        const known = failures === 0 ? null : await link.client.getAttempt(id);
        mayHold = false;
        const spec = attemptSpec(row, this.#parts.policyOf(row.service));
        const report =
          known ??
          (await link.client.putAttempt(spec, () => this.#parts.archiveOf(spec.archive.sha256)));
        crashPoint("dispatch.sent");
        link.noteAccepted();
        this.#parts.onReport(link, report);
        return;
      } catch (thrown) {
        const error = toJobctlError(thrown);
        const kind = refusalKind(error.code);
        mayHold ||= kind === "unknown";
        // It cannot be asked what it holds: the same attempt waits for it.
        if (mayHold && kind === "refused") link.noteRefusal(row.id, error);
        if (!mayHold && (await this.#isRefused(row, link, error))) return;
        failures += 1;
        this.#parts.logger.warn(
          {
            event: "dispatch_failed",
            jobId: row.id,
            attempt: row.attempt,
            agent: link.name,
            failures,
          },
          error.message,
        );
        await delay(backoffMs(failures, RESEND, Math.random()), undefined, {
          signal: connection,
        }).catch(() => {});
      }
    }
  }

  /** Whether the agent has said no, and that is stored: then trying again would be wrong. */
  async #isRefused(row: JobRow, link: AgentLink, error: JobctlError): Promise<boolean> {
    try {
      return await this.#handleRefusal(row, link, error);
    } catch (notStored) {
      if (!isNotStored(notStored)) throw notStored;
      return false;
    }
  }

  /** @returns whether the agent has answered, so that trying again would be wrong */
  async #handleRefusal(row: JobRow, link: AgentLink, error: JobctlError): Promise<boolean> {
    const kind = refusalKind(error.code);
    switch (kind) {
      case "full":
        link.markFull(fullMs(error));
        this.#parts.attempts.release(row.id, row.attempt, error.message);
        return true;
      case "unknown":
        return false;
      case "rejected":
        await this.#end(row, "rejected", error);
        return true;
      case "unrunnable":
        await this.#end(row, "executor_error", error);
        return true;
      case "refused":
        this.#release(row, link, error);
        return true;
    }
  }

  /** Something is wrong with the agent or the link, which is no reason to end a job. */
  #release(row: JobRow, link: AgentLink, error: JobctlError): void {
    const pauseMs = backoffMs(link.refusals + 1, REFUSED, Math.random());
    this.#parts.attempts.release(row.id, row.attempt, error.message, pauseMs * REFUSED_JOB_FACTOR);
    link.noteRefusal(row.id, error);
    link.markFull(pauseMs);
    this.#parts.logger.warn(
      {
        ...{ event: "dispatch_refused", jobId: row.id, attempt: row.attempt },
        ...{ agent: link.name, code: error.code, pauseMs },
      },
      error.message,
    );
  }

  /** Every agent would refuse it: the refusal is the outcome. */
  async #end(
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

  /** While the database cannot be written nothing is sent; one timer is enough to see when it can. */
  #dispatchOrWait(): void {
    try {
      this.#dispatch();
    } catch (error) {
      if (!isNotStored(error)) throw error;
      this.#parts.logger.warn({ event: "not_dispatched", err: error });
      clearTimeout(this.#storeTimer);
      this.#storeTimer = setTimeout(() => {
        this.wake();
      }, STORE_AGAIN_MS).unref();
    }
  }

  #dispatch(): void {
    const { attempts, registry, table } = this.#parts;
    if (this.#stopped) return;
    this.#lastRunMs = performance.now();
    if (table.queued.size === 0) return;
    this.#wakeForRetries();
    for (const { jobId, agent } of assign(table.queued.classes, this.#situation())) {
      const link = registry.byName(agent);
      const row = link === null ? null : attempts.claim(jobId, agent);
      if (row === null || link === null) continue;
      crashPoint("dispatch.claimed");
      void this.send(row, link);
    }
  }

  #explain(): Map<number, QueuePlace> {
    const { classes, paused } = this.#parts.table.queued;
    const waiting = explain(classes, paused, this.#situation());
    return new Map(waiting.map(({ jobId, position, reason }) => [jobId, { position, reason }]));
  }

  #situation(): Situation {
    const { registry, table, policyOf } = this.#parts;
    return {
      active: table.active.values(),
      agents: registry.links.flatMap((link) => this.#offer(link)),
      limitsOf: policyOf,
      lastServed: (user) => table.lastServed(user),
    };
  }

  /** What a link has to offer: nothing unless it is ready and lets calls through. */
  #offer(link: AgentLink): AgentOffer[] {
    const { self, load } = link;
    if (self === null || link.state !== "ready") return [];
    const { name, services, slots, cpus, memoryBytes } = self;
    const drained = load?.draining === true || this.#parts.isDrained(name);
    const isLoaded = load !== null && usedShare(load) > this.#parts.capacityThreshold;
    const blocked = isLoaded || link.full || link.breaker.state === "open";
    const state = drained ? "draining" : blocked ? "full" : "accepting";
    return [{ name, services, slots, cpus, memoryBytes, state }];
  }

  /** When the next job may be tried again after a failure. */
  #wakeForRetries(): void {
    clearTimeout(this.#retryTimer);
    const nowMs = performance.now();
    const next = this.#parts.table.queued.endPauses(nowMs);
    if (next !== null) this.#retryTimer = setTimeout(() => this.wake(), next - nowMs).unref();
  }

  #isCurrent(row: JobRow): boolean {
    const now = this.#parts.attempts.get(row.id);
    return !this.#stopped && now?.attempt === row.attempt && now.status === "dispatched";
  }
}
