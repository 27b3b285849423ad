import type { HealthCheck } from "@jobctl/protocol";

/** A file operation that takes longer is a problem. */
const SLOW_MS = 2000;
/** After this long only a restart can help. */
const STUCK_MS = 15_000;

/**
 * Tells whether file operations come back. Node.js does them in a pool of four threads: when a dead
 * disk holds all four, the process still answers requests and can do nothing else.
 */
export class FileSystemWatch {
  readonly #probe: () => Promise<HealthCheck>;
  #operation: Promise<HealthCheck> | null = null;
  #beganMs = 0;

  /** @param probe does a file operation and tells what it found; never rejects */
  constructor(probe: () => Promise<HealthCheck>) {
    this.#probe = probe;
  }

  /** Tries one operation, for two seconds at most. */
  async check(): Promise<HealthCheck> {
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<HealthCheck>((resolve) => {
      timer = setTimeout(() => resolve(this.#slow()), SLOW_MS);
    });
    try {
      return await Promise.race([this.#try(), timeUp]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Tries the same, and fails only for an operation that does not come back at all. */
  async isAlive(): Promise<boolean> {
    await this.check();
    return this.#operation === null || performance.now() - this.#beganMs < STUCK_MS;
  }

  /** One at a time: each takes a thread of the pool for as long as it lasts. */
  #try(): Promise<HealthCheck> {
    if (this.#operation !== null) return this.#operation;
    this.#beganMs = performance.now();
    const operation = this.#probe().finally(() => {
      this.#operation = null;
    });
    this.#operation = operation;
    return operation;
  }

  #slow(): HealthCheck {
    const seconds = Math.round((performance.now() - this.#beganMs) / 1000);
    const message = `a file operation has not come back for ${seconds} s`;
    return { ok: false, critical: true, message, ageSeconds: null };
  }
}
