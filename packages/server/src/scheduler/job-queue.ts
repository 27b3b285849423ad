import type { PlacedJob } from "./placement.js";

/**
 * Jobs of one user that differ in age only, the oldest first. While one of them cannot be placed, none of them
 * can: whoever decides looks at classes, of which there are few, and not at jobs.
 */
export class JobClass {
  readonly #jobs = new Map<number, PlacedJob>();
  #newest = -Infinity;
  #inOrder = true;

  add(job: PlacedJob): void {
    if (job.id < this.#newest) this.#inOrder = false;
    else this.#newest = job.id;
    this.#jobs.set(job.id, job);
  }

  delete(id: number): void {
    this.#jobs.delete(id);
  }

  get size(): number {
    return this.#jobs.size;
  }

  [Symbol.iterator](): IterableIterator<PlacedJob> {
    if (!this.#inOrder) {
      // Rare: a job that was queued again is older than those behind it.
      const jobs = [...this.#jobs.values()].toSorted((a, b) => a.id - b.id);
      this.#jobs.clear();
      for (const job of jobs) this.#jobs.set(job.id, job);
      this.#inOrder = true;
    }
    return this.#jobs.values();
  }
}

/** What is queued, in classes. */
export class JobQueue {
  readonly #jobs = new Map<number, PlacedJob>();
  readonly #classes = new Map<string, JobClass>();
  /** Jobs that have failed, and are to be left alone for a while. */
  readonly #paused = new Map<number, PlacedJob>();

  get size(): number {
    return this.#jobs.size;
  }

  add(job: PlacedJob): void {
    this.delete(job.id);
    this.#jobs.set(job.id, job);
    if (job.notBeforeMs === null) this.#enter(job);
    else this.#paused.set(job.id, job);
  }

  delete(id: number): void {
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    this.#jobs.delete(id);
    if (this.#paused.delete(id)) return;
    const key = classKey(job);
    const jobs = this.#classes.get(key);
    jobs?.delete(id);
    if (jobs?.size === 0) this.#classes.delete(key);
  }

  /**
   * Lets go of the jobs whose pause is over.
   *
   * @returns when the next one is; null when no other job is paused
   */
  endPauses(nowMs: number): number | null {
    let next = Infinity;
    for (const [id, job] of this.#paused) {
      const endsMs = job.notBeforeMs ?? nowMs;
      if (endsMs > nowMs) next = Math.min(next, endsMs);
      else {
        this.#paused.delete(id);
        this.#enter(job);
      }
    }
    return next === Infinity ? null : next;
  }

  /** The jobs that may be placed. */
  get classes(): Iterable<JobClass> {
    return this.#classes.values();
  }

  get paused(): Iterable<PlacedJob> {
    return this.#paused.values();
  }

  #enter(job: PlacedJob): void {
    const key = classKey(job);
    let jobs = this.#classes.get(key);
    if (jobs === undefined) this.#classes.set(key, (jobs = new JobClass()));
    jobs.add(job);
  }
}

function classKey({ tenant, user, service, priority, cpus, memoryBytes }: PlacedJob): string {
  return JSON.stringify([tenant, user, service, priority, cpus, memoryBytes]);
}
