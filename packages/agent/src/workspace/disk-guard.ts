import { walk } from "@jobctl/archive";

/** What a job may keep in its workspace. */
export interface WorkspaceLimits {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

const FIRST_LOOK_MS = 500;
/** Looking takes at most this share of the time, however large the workspace is. */
const SHARE_OF_TIME = 1 / 20;

/**
 * Looks at a workspace now and then, for as long as a job runs, and tells when it holds too much. A
 * directory has no quota that an unprivileged agent could set.
 */
export class DiskGuard {
  readonly #directory: string;
  readonly #limits: WorkspaceLimits;
  readonly #onExceeded: (message: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param onExceeded called once, with what is too much */
  constructor(directory: string, limits: WorkspaceLimits, onExceeded: (message: string) => void) {
    this.#directory = directory;
    this.#limits = limits;
    this.#onExceeded = onExceeded;
    this.#schedule(FIRST_LOOK_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(afterMs: number): void {
    this.#timer = setTimeout(() => void this.#look(), afterMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const began = performance.now();
    const exceeded = await findExcess(this.#directory, this.#limits);
    if (this.#stopped) return;
    if (exceeded !== null) this.#onExceeded(exceeded);
    else this.#schedule(Math.max(FIRST_LOOK_MS, (performance.now() - began) / SHARE_OF_TIME));
  }
}

/** What is too much in a workspace; null when it is within its limits. */
async function findExcess(directory: string, limits: WorkspaceLimits): Promise<string | null> {
  let bytes = 0;
  let entries = 0;
  try {
    for await (const entry of walk(directory)) {
      entries += 1;
      bytes += entry.allocatedBytes;
      if (bytes > limits.maxBytes) return `its workspace holds more than ${limits.maxBytes} bytes`;
      if (entries > limits.maxEntries)
        return `its workspace has more than ${limits.maxEntries} entries`;
    }
  } catch {
    // The job removes and renames things while they are counted.
  }
  return null;
}
