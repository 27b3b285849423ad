import { EventEmitter, once } from "node:events";

/** Tells waiters that something with this key has changed; what it is now, they look up. */
export class KeyedEvents<Key extends string | number> {
  readonly #emitter = new EventEmitter();

  constructor() {
    this.#emitter.setMaxListeners(0);
  }

  announce(key: Key): void {
    this.#emitter.emit(`${key}`);
  }

  /**
   * Waits for the next change. Whoever looks at the state and calls this in the same turn of the
   * event loop misses none.
   *
   * @returns true for a change, false when the signal came first
   */
  async next(key: Key, signal: AbortSignal): Promise<boolean> {
    try {
      await once(this.#emitter, `${key}`, { signal });
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
}
