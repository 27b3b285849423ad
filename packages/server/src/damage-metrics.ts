import type { Metrics } from "@jobctl/daemon";

import type { BlobWatch } from "./maintenance/blob-watch.js";
import type { Scrub } from "./maintenance/scrub.js";

/** Figures about the state of what is stored. */
export function damageMetrics(metrics: Metrics, watch: BlobWatch, scrub: Scrub | null): void {
  metrics.gauge({
    name: "jobctl_blobs_damaged",
    help: "Stored archives and results that are known not to be what they were.",
    collect: (set) => set(watch.damagedCount),
  });
  if (scrub === null) return;
  metrics.countedElsewhere({
    name: "jobctl_scrub_read_bytes_total",
    help: "Bytes of stored files that were read through in the background since the start.",
    collect: (set) => set(scrub.readBytes),
  });
  metrics.gauge({
    name: "jobctl_scrub_age_seconds",
    help: "Time since all stored files were read through; before the first time, since checking began.",
    collect: (set) => set(scrub.ageSeconds),
  });
  metrics.gauge({
    name: "jobctl_scrub_period_seconds",
    help: "Configured time from the end of one reading of all stored files to the next.",
    collect: (set) => set(scrub.periodSeconds),
  });
}
