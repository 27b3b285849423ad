import { EventEmitter } from "node:events";

import { KeyedEvents } from "@jobctl/daemon";

import type { JobRow } from "../store/job-row.js";

/** Tells of every committed change of a job: to the scheduler all of them, to a waiter its own. */
export class JobEvents {
  readonly #all = new EventEmitter();
  readonly #byId = new KeyedEvents<number>();

  onChange(listener: (row: JobRow) => void): void {
    this.#all.on("change", listener);
  }

  announce(row: JobRow): void {
    this.#all.emit("change", row);
    this.#byId.announce(row.id);
  }

  /** @returns true for a change, false when the signal came first */
  next(jobId: number, signal: AbortSignal): Promise<boolean> {
    return this.#byId.next(jobId, signal);
  }
}
