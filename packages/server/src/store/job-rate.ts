import { JobctlError } from "@jobctl/protocol";

/**
 * Most jobs that a server accepts in a second, some times what it can do: a restore leaves out as many ids as
 * can have been given out since the backup.
 */
export const MAX_JOBS_PER_SECOND = 1000;

/** Counts new jobs by the second. */
export class JobRate {
  #second = 0;
  #jobs = 0;

  /** @throws JobctlError `overloaded` for one too many */
  count(nowMs = performance.now()): void {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) [this.#second, this.#jobs] = [second, 0];
    this.#jobs += 1;
    if (this.#jobs <= MAX_JOBS_PER_SECOND) return;
    throw new JobctlError("overloaded", `more than ${MAX_JOBS_PER_SECOND} new jobs in a second`, {
      hint: "Nothing was stored. Try again in a moment.",
      retryAfterSeconds: 1,
    });
  }
}
