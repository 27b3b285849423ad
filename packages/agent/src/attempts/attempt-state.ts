import type { Logger } from "@jobctl/daemon";
import type { AttemptReport, AttemptSpec } from "@jobctl/protocol";

import {
  NOT_STARTED,
  finished,
  started,
  withAges,
  type AttemptMoments,
} from "./attempt-moments.js";
import { writeRecord } from "./record.js";

interface AttemptStateDeps {
  readonly spec: AttemptSpec;
  /** Where the record is written. */
  readonly recordPath: string;
  readonly logger: Logger;
  /** Called after each change of the report. */
  readonly onChange: () => void;
}

/** The report of an attempt: the current one in memory, the last durable one in its record on disk. */
export class AttemptState {
  readonly #deps: AttemptStateDeps;
  #report: AttemptReport;
  #moments = NOT_STARTED;

  constructor(deps: AttemptStateDeps) {
    this.#deps = deps;
    this.#report = {
      id: deps.spec.id,
      state: "accepted",
      startedAt: null,
      finishedAt: null,
      outcome: null,
      findings: [],
      usage: null,
      result: null,
    };
  }

  get report(): AttemptReport {
    return this.#report;
  }

  /** The report with the ages of its times, as it is sent. */
  get agedReport(): AttemptReport {
    return withAges(this.#report, this.#moments);
  }

  /** Continues from what an agent recorded before it was restarted. Announces nothing. */
  restore(report: AttemptReport, moments: AttemptMoments): void {
    this.#report = report;
    this.#moments = moments;
  }

  /** @returns the time of its start, which is now */
  markStart(): string {
    const { moments, startedAt } = started();
    this.#moments = moments;
    return startedAt;
  }

  /** @returns the time of its end, which is now */
  markEnd(): string {
    const { moments, finishedAt } = finished(this.#moments, this.#report);
    this.#moments = moments;
    return finishedAt;
  }

  /**
   * Makes a change durable, then announces it.
   *
   * @throws the system's error when the record cannot be written; then nothing has changed
   */
  async record(change: Partial<AttemptReport> = {}): Promise<void> {
    const { spec, recordPath } = this.#deps;
    const report = { ...this.#report, ...change };
    await writeRecord(recordPath, { spec, report, moments: this.#moments });
    // The report may have changed while the record was written.
    this.update(change);
  }

  /** Announces a change that the record does not have. */
  update(change: Partial<AttemptReport>): void {
    const { spec, logger, onChange } = this.#deps;
    this.#report = { ...this.#report, ...change };
    const { state, outcome } = change;
    if (state !== undefined) {
      const { jobId, attempt } = spec;
      logger.info({ event: `attempt_${state}`, jobId, attempt, ...outcome });
    }
    onChange();
  }
}
