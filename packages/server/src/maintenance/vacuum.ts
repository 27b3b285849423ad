import { setImmediate as nextTurn } from "node:timers/promises";

import { crashPoint, type Logger } from "@jobctl/daemon";
import { JobctlError, type VacuumReport } from "@jobctl/protocol";

import type { Store } from "../store/store.js";
import { databaseDamaged, inspectDatabase } from "./backups.js";

/** Rows, and pages, that are dealt with in one go: some milliseconds, between which requests are served. */
const JOBS_AT_ONCE = 200;
const PAGES_AT_ONCE = 1000;

export interface VacuumParts {
  readonly store: Store;
  readonly dbPath: string;
  readonly logger: Logger;
}

/**
 * Removes the rows of jobs that ended long ago, and gives the free pages of the database back.
 *
 * Incrementally, not with VACUUM: that would need as much space again, and keep every writer waiting for
 * its whole length. What is interrupted has done a part of the work, in whole transactions.
 */
export class Vacuum {
  readonly #parts: VacuumParts;
  #running = false;

  constructor(parts: VacuumParts) {
    this.#parts = parts;
  }

  /**
   * @param olderThanSeconds jobs that ended longer ago are removed; null removes none
   * @throws JobctlError `vacuum_running`, `database_damaged`
   */
  async run(olderThanSeconds: number | null, checkOnly: boolean): Promise<VacuumReport> {
    if (this.#running) {
      throw new JobctlError("vacuum_running", "another vacuum of this server is under way", {
        hint: "Wait for it to end.",
      });
    }
    this.#running = true;
    try {
      return await this.#run(olderThanSeconds, checkOnly);
    } finally {
      this.#running = false;
    }
  }

  async #run(olderThanSeconds: number | null, checkOnly: boolean): Promise<VacuumReport> {
    const { store, dbPath, logger } = this.#parts;
    const facts = await inspectDatabase({ path: dbPath, blobList: null });
    if (facts.integrity !== "ok") throw databaseDamaged(facts.integrity);
    if (facts.foreignKeyProblems > 0)
      throw databaseDamaged(`${facts.foreignKeyProblems} rows refer to others that are not there`);
    const before = store.size();
    let jobsRemoved = 0;
    if (!checkOnly) {
      if (olderThanSeconds !== null) {
        const endedBefore = Date.now() - olderThanSeconds * 1000;
        for (;;) {
          const removed = store.removeEndedBefore(endedBefore, JOBS_AT_ONCE);
          if (removed === 0) break;
          jobsRemoved += removed;
          crashPoint("vacuum.removed");
          await nextTurn();
        }
      }
      while (store.freePages() > 0) {
        store.releasePages(PAGES_AT_ONCE);
        crashPoint("vacuum.released");
        await nextTurn();
      }
      store.checkpoint();
    }
    const report: VacuumReport = {
      schema: "jobctl.vacuum/v1",
      checked: true,
      jobsRemoved,
      bytesBefore: before,
      bytesAfter: store.size(),
    };
    logger.info({
      event: "vacuumed",
      jobsRemoved,
      bytesBefore: before,
      bytesAfter: report.bytesAfter,
    });
    return report;
  }
}
