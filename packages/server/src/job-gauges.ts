import type { Metrics } from "@jobctl/daemon";
import { ATTEMPT_STATUSES, QUEUE_REASONS } from "@jobctl/protocol";

import type { QueuePlace } from "./jobs/job-view.js";
import { readClocks, storeClocks } from "./jobs/runtime.js";
import type { JobTable } from "./scheduler/job-table.js";
import type { RunLimits } from "./scheduler/placement.js";
import type { Store } from "./store/store.js";

export interface JobGaugeParts {
  readonly store: Store;
  readonly table: JobTable;
  readonly services: ReadonlyMap<string, RunLimits>;
  /** Where each waiting job stands, and why it waits. */
  readonly places: () => ReadonlyMap<number, QueuePlace>;
}

/** A service without jobs has zeros: what reads them, such as an autoscaler, waits for a figure otherwise. */
export function jobGauges(metrics: Metrics, { store, services, places }: JobGaugeParts): void {
  metrics.gauge({
    name: "jobctl_jobs",
    help: "Jobs that have not ended.",
    labels: ["status", "service"],
    collect: (set) => {
      for (const service of services.keys())
        for (const status of ["queued", ...ATTEMPT_STATUSES]) set(0, { status, service });
      for (const { status, service, count } of store.jobs.countOpen())
        set(count, { status, service });
    },
  });
  metrics.gauge({
    name: "jobctl_jobs_queued",
    help: "Jobs that wait.",
    labels: ["service"],
    collect: (set) => {
      for (const service of services.keys()) set(0, { service });
      for (const { status, service, count } of store.jobs.countOpen())
        if (status === "queued") set(count, { service });
    },
  });
  metrics.gauge({
    name: "jobctl_jobs_waiting",
    help: "Jobs that wait, by the reason.",
    labels: ["reason"],
    collect: (set) => {
      const counts = new Map<string, number>(QUEUE_REASONS.map((reason) => [reason, 0]));
      for (const { reason } of places().values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
      for (const [reason, count] of counts) set(count, { reason });
    },
  });
  metrics.gauge({
    name: "jobctl_job_running_seconds",
    help: "How long the job that has run longest has been running; 0 when none runs.",
    labels: ["service"],
    collect: (set) => {
      for (const service of services.keys()) set(0, { service });
      for (const { service, seconds } of store.jobs.longestRunning(storeClocks(readClocks())))
        set(seconds, { service });
    },
  });
}

/** Of limits that are set: how much is in use, for users by the one who uses most. */
export function quotaGauge(metrics: Metrics, { table, services }: JobGaugeParts): void {
  metrics.gauge({
    name: "jobctl_quota_used_ratio",
    help: "Share of a service's runs that are in use, of all and of the busiest user; 1 is all.",
    labels: ["service", "scope"],
    collect: (set) => {
      for (const [service, { maxRuns, runsPerUser }] of services) {
        const active = [...table.active.values()].filter((job) => job.service === service);
        if (maxRuns !== null) set(active.length / maxRuns, { service, scope: "service" });
        if (runsPerUser === null) continue;
        const byUser = new Map<string, number>();
        for (const { tenant, user } of active) {
          const who = `${tenant}/${user}`;
          byUser.set(who, (byUser.get(who) ?? 0) + 1);
        }
        set(Math.max(0, ...byUser.values()) / runsPerUser, { service, scope: "user" });
      }
    },
  });
}
