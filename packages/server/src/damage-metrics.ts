import type { Metrics } from "@jobctl/daemon";

import type { BlobWatch } from "./maintenance/blob-watch.js";

/** Figures about the state of what is stored. */
export function damageMetrics(metrics: Metrics, watch: BlobWatch): void {
  metrics.gauge({
    name: "jobctl_blobs_damaged",
    help: "Stored archives and results that are known not to be what they were.",
    collect: (set) => set(watch.damagedCount),
  });
}
