import { setImmediate as nextTurn } from "node:timers/promises";

/** Longest time that a loop of synchronous calls keeps the event loop to itself. */
const SLICE_MS = 5;

/** Lets other work of the process have its turn during a long loop. */
export class TimeSlice {
  #startedMs = performance.now();

  /** Waits for the next turn of the event loop when the slice is used up. */
  async yieldIfOver(): Promise<void> {
    if (performance.now() - this.#startedMs <= SLICE_MS) return;
    await nextTurn();
    this.#startedMs = performance.now();
  }
}
