import { wallClock } from "@jobctl/daemon";
import { JobctlError } from "@jobctl/protocol";

import { isNotStored } from "./scheduler/until-stored.js";
import type { Lease } from "./store/lease-store.js";
import type { Store } from "./store/store.js";

const TRY_EVERY_MS = 2000;

/**
 * The lease of this server. On a volume that is full it cannot be stored: then the server starts all the same,
 * so that people can look, download and make room, and speaks to no agent before the lease is stored.
 */
export class ActiveLease {
  readonly #store: Store;
  readonly #holder: string;
  #current: Lease | null;
  #problem: string | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** To be called by whoever holds the lock on the data directory, and by nobody else. */
  constructor(store: Store, holder: string) {
    this.#store = store;
    this.#holder = holder;
    this.#current = this.#take();
  }

  /** Null while it could not be stored. */
  get current(): Lease | null {
    return this.#current;
  }

  /** Why it is not stored; null when it is. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Tries again until it is stored, and calls back then. */
  whenStored(onStored: (lease: Lease) => void): void {
    if (this.#current !== null) return onStored(this.#current);
    this.#timer = setTimeout(() => {
      this.#current = this.#take();
      this.whenStored(onStored);
    }, TRY_EVERY_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #take(): Lease | null {
    try {
      this.#store.share();
      const lease = this.#store.transaction(() =>
        this.#store.lease.takeOver(this.#holder, wallClock()),
      );
      this.#problem = null;
      return lease;
    } catch (error) {
      if (!isNotStored(error) || !(error instanceof JobctlError)) throw error;
      this.#problem = error.message;
      return null;
    }
  }
}
