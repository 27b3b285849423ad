import type { PlacedJob } from "./placement.js";

/** A job as a test queues it. */
export function placedJob(id: number, change: Partial<PlacedJob> = {}): PlacedJob {
  return {
    id,
    tenant: "t",
    user: "u",
    service: "default",
    priority: 0,
    cpus: 1,
    memoryBytes: null,
    notBeforeMs: null,
    ...change,
  };
}
