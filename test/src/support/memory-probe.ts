/**
 * Loaded into a daemon with `--import`: answers its parent's messages with what its memory holds once garbage has
 * been collected, and writes heap snapshots. No production code knows of it.
 */
import { setFlagsFromString, writeHeapSnapshot } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread } from "node:worker_threads";

import type { MemoryQuestion } from "./memory-of.js";

if (isMainThread && process.send !== undefined) {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  process.on("message", ({ snapshotPath }: MemoryQuestion) => {
    collectGarbage();
    const memory = process.memoryUsage();
    if (snapshotPath !== null) writeHeapSnapshot(snapshotPath);
    process.send?.(memory);
  });
  // It must not keep the daemon alive.
  process.channel?.unref();
}
