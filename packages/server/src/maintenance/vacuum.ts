import { dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";

import { crashPoint, wallClock, type Logger } from "@jobctl/daemon";
import { JobctlError, type VacuumReport } from "@jobctl/protocol";

import type { Store } from "../store/store.js";
import { databaseDamaged, inspectDatabase } from "./backups.js";
import type { SpaceReserve } from "./space-reserve.js";

/** Rows, and pages, that are dealt with in one go: some milliseconds, between which requests are served. */
const STEPS = { jobs: 200, pages: 1000 };
/** What the database's log may grow by meanwhile. */
const STEPS_NEED_BYTES = 16 * 1024 ** 2;
/** The same where there is less space. SQLite lets the log grow to 4 MiB, and by a transaction beyond that. */
const SMALL_STEPS = { jobs: 25, pages: 100 };
const SMALL_STEPS_NEED_BYTES = 8 * 1024 ** 2;

export interface VacuumRequest {
  /** Jobs that ended longer ago are removed; null removes none. */
  readonly olderThanSeconds: number | null;
  readonly checkOnly: boolean;
  readonly dryRun: boolean;
}

export interface VacuumParts {
  readonly store: Store;
  readonly dbPath: string;
  readonly reserve: SpaceReserve;
  readonly logger: Logger;
}

/**
 * Removes the rows of jobs that ended long ago, and gives the free pages of the database back.
 *
 * Incrementally, not with VACUUM: that would need as much space again, and keep every writer waiting for
 * its whole length. What is interrupted has done a part of the work, in whole transactions. On a full volume it
 * works in the space of the reserve.
 */
export class Vacuum {
  readonly #parts: VacuumParts;
  #running = false;

  constructor(parts: VacuumParts) {
    this.#parts = parts;
  }

  /**
   * @param stopping raised when the server goes down: what is done by then stays done
   * @throws JobctlError `vacuum_running`, `database_damaged`, `database_unavailable`, `storage_full`, `draining`
   */
  async run(request: VacuumRequest, stopping: AbortSignal): Promise<VacuumReport> {
    if (this.#running) {
      throw new JobctlError("vacuum_running", "another vacuum of this server is under way", {
        hint: "Wait for it to end.",
      });
    }
    this.#running = true;
    try {
      return await this.#run(request, stopping);
    } finally {
      this.#running = false;
    }
  }

  async #run(request: VacuumRequest, stopping: AbortSignal): Promise<VacuumReport> {
    const { store, reserve } = this.#parts;
    const writes = store.isExclusive || !(request.checkOnly || request.dryRun);
    if (!writes || (await reserve.freeBytes()) >= STEPS_NEED_BYTES)
      return this.#work(request, STEPS, stopping);
    return reserve.lend(async () => {
      await this.#requireSpace();
      // Where the server was started on the full volume, the check could not read the database.
      store.share();
      return this.#work(request, SMALL_STEPS, stopping);
    });
  }

  async #work(
    request: VacuumRequest,
    steps: typeof STEPS,
    stopping: AbortSignal,
  ): Promise<VacuumReport> {
    const { store, logger } = this.#parts;
    const { olderThanSeconds, checkOnly, dryRun } = request;
    await this.#check();
    const bytesBefore = store.size();
    const endedBefore =
      olderThanSeconds === null || checkOnly ? null : wallClock() - olderThanSeconds * 1000;
    let jobsRemoved = 0;
    if (dryRun) {
      jobsRemoved = endedBefore === null ? 0 : store.jobs.countEndedBefore(endedBefore);
    } else if (!checkOnly) {
      if (endedBefore !== null) jobsRemoved = await this.#removeJobs(endedBefore, steps, stopping);
      await this.#releasePages(steps, stopping);
      store.checkpoint();
    }
    const bytesAfter = store.size();
    logger.info({ event: "vacuumed", ...request, jobsRemoved, bytesBefore, bytesAfter });
    return {
      schema: "jobctl.vacuum/v1",
      dryRun,
      checked: true,
      jobsRemoved,
      bytesBefore,
      bytesAfter,
    };
  }

  async #check(): Promise<void> {
    this.#parts.store.requireFile();
    const facts = await inspectDatabase({ path: this.#parts.dbPath, blobList: null });
    if (facts.integrity !== "ok") throw databaseDamaged(facts.integrity);
    if (facts.foreignKeyProblems > 0)
      throw databaseDamaged(`${facts.foreignKeyProblems} rows refer to others that are not there`);
  }

  async #requireSpace(): Promise<void> {
    const directory = dirname(this.#parts.dbPath);
    const freeBytes = await this.#parts.reserve.freeBytes();
    if (freeBytes >= SMALL_STEPS_NEED_BYTES) return;
    throw new JobctlError(
      "storage_full",
      `${directory} has ${freeBytes} bytes left, and a vacuum needs ${SMALL_STEPS_NEED_BYTES}`,
      {
        hint: "Nothing was changed. Free some space there, then run it again.",
        details: { freeBytes, neededBytes: SMALL_STEPS_NEED_BYTES },
      },
    );
  }

  async #removeJobs(
    endedBefore: number,
    { jobs }: typeof STEPS,
    stopping: AbortSignal,
  ): Promise<number> {
    for (let jobsRemoved = 0; ;) {
      const removed = this.#parts.store.removeEndedBefore(endedBefore, jobs);
      if (removed === 0) return jobsRemoved;
      jobsRemoved += removed;
      crashPoint("vacuum.removed");
      await nextTurn();
      requireRunning(stopping);
    }
  }

  async #releasePages({ pages }: typeof STEPS, stopping: AbortSignal): Promise<void> {
    const { store } = this.#parts;
    while (store.freePages() > 0) {
      store.releasePages(pages);
      crashPoint("vacuum.released");
      await nextTurn();
      requireRunning(stopping);
    }
  }
}

function requireRunning(stopping: AbortSignal): void {
  if (!stopping.aborted) return;
  throw new JobctlError("draining", "the vacuum was stopped because the server goes down", {
    hint: "Run it again: it goes on where it was.",
    retryAfterSeconds: 2,
  });
}
