import { once } from "node:events";
import { fileURLToPath } from "node:url";

import type { DaemonProcess } from "./daemon-process.js";

/** What a daemon with the probe is asked. */
export interface MemoryQuestion {
  /** Where it writes a heap snapshot; null for none. */
  readonly snapshotPath: string | null;
}

/** Variables with which a daemon answers `memoryOf`. */
export const WITH_MEMORY_PROBE = {
  NODE_OPTIONS: `--import=${fileURLToPath(new URL("./memory-probe.js", import.meta.url))}`,
};

/** What a daemon's memory holds after a garbage collection, in bytes; its snapshot holds the same. */
export async function memoryOf(
  { child }: DaemonProcess,
  snapshotPath: string | null = null,
): Promise<NodeJS.MemoryUsage> {
  const answered = once(child, "message");
  child.send({ snapshotPath } satisfies MemoryQuestion);
  const [memory] = (await answered) as [NodeJS.MemoryUsage];
  return memory;
}
