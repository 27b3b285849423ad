import { statfs } from "node:fs/promises";

import { walkTree, type Directory } from "@jobctl/archive";

/** What a job may keep in its workspace. */
export interface WorkspaceLimits {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** What a guard measures, and whom it tells. */
export interface DiskGuardSettings {
  readonly openWorkspace: () => Directory;
  /** A path on its volume. */
  readonly volume: string;
  /** What the volume had before the job began, without what the workspace held by then. */
  readonly freeBytesBefore: number;
  /**
   * Bytes of files on its volume that the job holds open although they have no name any more; null
   * where one of its processes cannot be looked into.
   */
  readonly unlinkedBytes: () => Promise<number | null>;
  readonly limits: WorkspaceLimits;
  /** Called once, with what is too much. */
  readonly onExceeded: (message: string) => void;
  /** Called when the workspace cannot be measured at all. */
  readonly onFailure: (error: unknown) => void;
}

const FIRST_LOOK_MS = 500;
/** Looking takes at most this share of the time, until a job makes it take so long that it would be left alone. */
const SHARE_OF_TIME = 1 / 20;
const LONGEST_PAUSE_MS = 10_000;
/** Files without a name are searched for this often, and whenever the volume has lost this share of the limit. */
const SEARCH_MS = 10_000;
const SHARE_OF_LIMIT = 1 / 16;
/** Directories that the job has closed are opened to be counted, and closed again. */
const ACCESS = { directoryBits: 0o500, restore: true } as const;

/**
 * Measures a workspace now and then, for as long as a job runs, and tells when it holds too much. A
 * directory has no quota that an unprivileged agent could set.
 */
export class DiskGuard {
  readonly #settings: DiskGuardSettings;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #searchedAtMs = -Infinity;
  #freeBytesThen = Infinity;
  #hiddenBytes = 0;

  constructor(settings: DiskGuardSettings) {
    this.#settings = settings;
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
    let exceeded: string | null = null;
    try {
      exceeded = await this.#findExcess();
    } catch (error) {
      this.#settings.onFailure(error);
    }
    if (this.#stopped) return;
    if (exceeded !== null) this.#settings.onExceeded(exceeded);
    else {
      const pauseMs = (performance.now() - began) / SHARE_OF_TIME;
      this.#schedule(Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_LOOK_MS, pauseMs)));
    }
  }

  /** What is too much in the workspace; null when it is within its limits. */
  async #findExcess(): Promise<string | null> {
    const { openWorkspace, limits } = this.#settings;
    const root = openWorkspace();
    try {
      const { bytes, entries } = await measure(root, limits, () => this.#stopped);
      if (entries > limits.maxEntries)
        return `its workspace has more than ${limits.maxEntries} entries`;
      if (bytes > limits.maxBytes) return `its workspace holds more than ${limits.maxBytes} bytes`;
      const hidden = await this.#measureHidden(bytes);
      return bytes + hidden > limits.maxBytes
        ? `its workspace holds more than ${limits.maxBytes} bytes, ${hidden} of them in files that it has removed and still keeps open`
        : null;
    } finally {
      root.close();
    }
  }

  /** The search goes through all processes of the job, so it waits for a reason. */
  async #measureHidden(visibleBytes: number): Promise<number> {
    const { volume, freeBytesBefore, unlinkedBytes, limits } = this.#settings;
    const freeBytes = await freeBytesOf(volume);
    const isDue = performance.now() - this.#searchedAtMs >= SEARCH_MS;
    const hasShrunk = this.#freeBytesThen - freeBytes > limits.maxBytes * SHARE_OF_LIMIT;
    if (!isDue && !hasShrunk) return this.#hiddenBytes;
    // What a job keeps from being seen, it is charged with all that its volume has lost.
    const lostBytes = Math.max(0, freeBytesBefore - freeBytes - visibleBytes);
    this.#hiddenBytes = (await unlinkedBytes()) ?? lostBytes;
    this.#searchedAtMs = performance.now();
    this.#freeBytesThen = freeBytes;
    return this.#hiddenBytes;
  }
}

/** Free space of the volume on which a path lies. */
export async function freeBytesOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** Adds up what is in a tree until a limit is exceeded. */
async function measure(
  root: Directory,
  limits: WorkspaceLimits,
  stopped: () => boolean,
): Promise<{ bytes: number; entries: number }> {
  let bytes = 0;
  let entries = 0;
  /** Files with several names take their space once. */
  const counted = new Set<string>();
  const found = walkTree(root, {
    access: ACCESS,
    maxNames: limits.maxEntries + 1,
    unordered: true,
    // The job removes and renames things while they are counted.
    onProblem: () => {
      entries += 1;
    },
  });
  for await (const { allocatedBytes, links, type, identity } of found) {
    entries += 1;
    if (type !== "file" || links === 1 || !counted.has(identity)) bytes += allocatedBytes;
    if (type === "file" && links > 1) counted.add(identity);
    if (bytes > limits.maxBytes || entries > limits.maxEntries || stopped()) break;
  }
  return { bytes, entries };
}
