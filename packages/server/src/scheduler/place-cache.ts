import type { QueuePlace } from "../jobs/job-view.js";

/** Largest share of the time that is spent on telling where jobs stand. */
const PLACES_SHARE = 0.05;
/** What is worked out anew whenever something has changed, as long as it takes no longer. */
const QUICK_MS = 5;

/** Where jobs stand, worked out when somebody asks, and with a long queue not for every change. */
export class PlaceCache {
  readonly #workOut: () => Map<number, QueuePlace>;
  #places: Map<number, QueuePlace> | null = null;
  #isStale = false;
  #tookMs = 0;
  #atMs = 0;

  constructor(workOut: () => Map<number, QueuePlace>) {
    this.#workOut = workOut;
  }

  invalidate(): void {
    this.#isStale = true;
  }

  get current(): ReadonlyMap<number, QueuePlace> {
    const beganMs = performance.now();
    const isDue = this.#tookMs < QUICK_MS || beganMs - this.#atMs > this.#tookMs / PLACES_SHARE;
    if (this.#places === null || (this.#isStale && isDue)) {
      this.#places = this.#workOut();
      this.#isStale = false;
      this.#atMs = performance.now();
      this.#tookMs = this.#atMs - beganMs;
    }
    return this.#places;
  }
}
