import { backoffMs, crashPoint, type Logger } from "@jobctl/daemon";
import { toJobctlError, type AgentLoad, type JobctlError } from "@jobctl/protocol";

import type { AgentLink } from "../agents/agent-link.js";
import type { AgentRegistry } from "../agents/agent-registry.js";
import type { AttemptService } from "../jobs/attempt-service.js";
import type { QueuePlace } from "../jobs/job-view.js";
import type { JobRow } from "../store/job-row.js";
import type { JobTable } from "./job-table.js";
import { ProblemLog } from "./problem-log.js";
import { STORE_AGAIN_MS, isNotStored } from "./until-stored.js";
import { PlaceCache } from "./place-cache.js";
import { assign, explain, type AgentOffer, type RunLimits, type Situation } from "./placement.js";

/** Pauses while the server itself cannot read what it is to send. */
const TROUBLE_PAUSE = { firstMs: 500, maxMs: 15_000 };

/** Of CPUs or memory, whichever is scarcer, whoever uses it. */
function usedShare({ cpuPercent, memoryUsedBytes, memoryTotalBytes }: AgentLoad): number {
  return Math.max((cpuPercent ?? 0) / 100, memoryUsedBytes / memoryTotalBytes);
}

export interface DispatcherParts {
  readonly table: JobTable;
  readonly registry: AgentRegistry;
  readonly attempts: AttemptService;
  readonly policyOf: (service: string) => RunLimits;
  /** Sends an attempt that has been committed. */
  readonly send: (row: JobRow, link: AgentLink) => Promise<void>;
  /** Whether an operator has told the agent to take no new work. */
  readonly isDrained: (agent: string) => boolean;
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
  #troubleTimer: NodeJS.Timeout | undefined;
  readonly #problems: ProblemLog;
  #trouble: string | null = null;
  #troubles = 0;
  #isPaused = false;
  readonly #places = new PlaceCache(() => this.#explain());
  #lastRunMs = performance.now();

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    this.#problems = new ProblemLog(parts.logger);
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
    clearTimeout(this.#troubleTimer);
  }

  /** Where the queued jobs stand, in order; of a long queue it may be some seconds old. */
  get places(): ReadonlyMap<number, QueuePlace> {
    return this.#places.current;
  }

  /** Called with what keeps the server from sending anything, and with null when it could. */
  noteTrouble(error: JobctlError | null): void {
    if (error === null) return this.#troubleIsOver();
    // Those that were under way when it began say nothing new.
    if (this.#isPaused) return;
    this.#troubles += 1;
    this.#trouble = error.message;
    const pauseMs = backoffMs(this.#troubles, TROUBLE_PAUSE, Math.random());
    this.#isPaused = true;
    this.#troubleTimer = setTimeout(() => this.#endPause(), pauseMs).unref();
    if (this.#troubles === 1)
      this.#parts.logger.error({ event: "dispatch_impossible", err: error }, error.message);
  }

  /** Why the server can send nothing at the moment; null while it can. */
  get trouble(): string | null {
    return this.#trouble;
  }

  #troubleIsOver(): void {
    if (this.#trouble === null) return;
    this.#parts.logger.info({ event: "dispatch_possible", troubles: this.#troubles });
    this.#troubles = 0;
    this.#trouble = null;
    this.#endPause();
  }

  #endPause(): void {
    clearTimeout(this.#troubleTimer);
    this.#isPaused = false;
    this.wake();
  }

  /** While the database cannot be written nothing is sent; one timer is enough to see when it can. */
  #dispatchOrWait(): void {
    try {
      this.#dispatch();
    } catch (error) {
      if (!isNotStored(error)) throw error;
      this.#problems.note("not_dispatched", null, toJobctlError(error));
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
    if (this.#isPaused) return;
    for (const { jobId, agent } of assign(table.queued.classes, this.#situation())) {
      const link = registry.byName(agent);
      const row = link === null ? null : attempts.claim(jobId, agent);
      if (row === null || link === null) continue;
      crashPoint("dispatch.claimed");
      void this.#parts.send(row, link);
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
    const { registry } = this.#parts;
    const { self, load } = link;
    if (self === null || link.state !== "ready") return [];
    const { name, services, slots, cpus, memoryBytes } = self;
    const drained = load?.draining === true || this.#parts.isDrained(name);
    const isLoaded = load !== null && usedShare(load) > this.#parts.capacityThreshold;
    const blocked =
      isLoaded || link.full || registry.isBehind(link) || link.breaker.state === "open";
    const state = drained ? "draining" : blocked ? "full" : "accepting";
    const offer = { name, services, slots, cpus, memoryBytes };
    return [{ ...offer, state: load?.problem == null ? state : "unusable" }];
  }

  /** When the next job may be tried again after a failure. */
  #wakeForRetries(): void {
    clearTimeout(this.#retryTimer);
    const nowMs = performance.now();
    const next = this.#parts.table.queued.endPauses(nowMs);
    if (next !== null) this.#retryTimer = setTimeout(() => this.wake(), next - nowMs).unref();
  }
}
