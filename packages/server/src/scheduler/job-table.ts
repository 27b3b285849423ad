import { wallClock } from "@jobctl/daemon";
import { SLOT_STATUSES, type JobStatus } from "@jobctl/protocol";

import type { JobRow } from "../store/job-row.js";
import { JobQueue } from "./job-queue.js";
import { userKey, type ActiveJob, type PlacedJob } from "./placement.js";

/** Of how many it is known when they were last served; the others count as if they never were. */
const MOST_USERS = 10_000;

/**
 * The open jobs as the placement needs them, in memory: read once at the start, and kept up to date
 * by every committed change, so that a decision costs no query.
 */
export class JobTable {
  readonly queued = new JobQueue();
  readonly active = new Map<number, ActiveJob>();
  /** Jobs whose results have not been stored yet, by agent. */
  readonly #collecting = new Map<string, Set<number>>();

  /** By user, whoever was served longest ago first. */
  readonly #served = new Map<string, number>();
  #slotsGiven = 0;

  apply(row: JobRow): void {
    this.queued.delete(row.id);
    const hadSlot = this.active.delete(row.id);
    this.#noteCollecting(row);
    if (row.status === "queued") return this.queued.add(placed(row));
    if (!occupiesSlot(row.status)) return;
    this.active.set(row.id, { ...placed(row), agent: row.agent ?? "" });
    if (!hadSlot) this.#noteServed(userKey(row));
  }

  #noteCollecting({ id, status, agent }: JobRow): void {
    const jobs = agent === null ? undefined : this.#collecting.get(agent);
    if (status === "collecting" && agent !== null) {
      if (jobs === undefined) this.#collecting.set(agent, new Set([id]));
      else jobs.add(id);
      return;
    }
    // A job that is queued again names its agent no more.
    for (const [name, ids] of jobs === undefined
      ? this.#collecting
      : [[agent ?? "", jobs] as const])
      if (ids.delete(id) && ids.size === 0) this.#collecting.delete(name);
  }

  /** How many results on an agent have not been stored yet. */
  countResultsOn(agent: string): number {
    return this.#collecting.get(agent)?.size ?? 0;
  }

  #noteServed(user: string): void {
    this.#slotsGiven += 1;
    this.#served.delete(user);
    this.#served.set(user, this.#slotsGiven);
    const [longestAgo] = this.#served.keys();
    if (this.#served.size > MOST_USERS && longestAgo !== undefined) this.#served.delete(longestAgo);
  }

  /** When a user was last given a slot since the start: more for later, 0 for never. */
  lastServed(user: string): number {
    return this.#served.get(user) ?? 0;
  }

  /** How many slots of an agent are in use. */
  countOnAgent(agent: string): number {
    let count = 0;
    for (const job of this.active.values()) if (job.agent === agent) count += 1;
    return count;
  }
}

function occupiesSlot(status: JobStatus): boolean {
  return (SLOT_STATUSES as readonly JobStatus[]).includes(status);
}

/** However the machine's clock has been set since, a pause does not become longer than it was meant to be. */
function pauseLeftMs(until: number, pauseMs: number): number {
  return Math.min(Math.max(0, until - wallClock()), pauseMs);
}

function placed(row: JobRow): PlacedJob {
  return {
    id: row.id,
    tenant: row.tenant,
    user: row.user,
    service: row.service,
    priority: row.priority,
    cpus: row.cpus,
    memoryBytes: row.memory_bytes,
    notBeforeMs:
      row.not_before === null
        ? null
        : performance.now() + pauseLeftMs(row.not_before, row.pause_ms ?? 0),
  };
}
