import { SLOT_STATUSES, type JobStatus } from "@jobctl/protocol";

import { RETRY_PAUSE } from "../jobs/attempt-service.js";
import type { JobRow } from "../store/job-row.js";
import type { ActiveJob, PlacedJob } from "./placement.js";

/**
 * The open jobs as the placement needs them, in memory: read once at the start, and kept up to date
 * by every committed change, so that a decision costs no query.
 */
export class JobTable {
  readonly queued = new Map<number, PlacedJob>();
  readonly active = new Map<number, ActiveJob>();

  apply(row: JobRow): void {
    this.queued.delete(row.id);
    this.active.delete(row.id);
    if (row.status === "queued") this.queued.set(row.id, placed(row));
    else if (occupiesSlot(row.status))
      this.active.set(row.id, { ...placed(row), agent: row.agent ?? "" });
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

/** However the machine's clock has been set since, a pause is no longer than pauses are. */
function pauseLeftMs(until: number): number {
  return Math.min(Math.max(0, until - Date.now()), RETRY_PAUSE.maxMs);
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
    notBeforeMs: row.not_before === null ? null : performance.now() + pauseLeftMs(row.not_before),
  };
}
