import { Metrics, type ConnectionLimit } from "@jobctl/daemon";
import { TERMINAL_STATUSES, isTerminal, type GcReport, type JobStatus } from "@jobctl/protocol";

import { saidProblem, type AgentRegistry } from "./agents/agent-registry.js";
import type { BlobStore } from "./blobs/blob-store.js";
import { damageMetrics } from "./damage-metrics.js";
import type { JobEvents } from "./jobs/job-events.js";
import { jobGauges, quotaGauge, type JobGaugeParts } from "./job-gauges.js";
import type { BlobWatch } from "./maintenance/blob-watch.js";
import type { Scrub } from "./maintenance/scrub.js";
import type { Tasks } from "./maintenance/tasks.js";
import type { Store } from "./store/store.js";

/** Seconds: from what nobody notices to a day. */
const WAITS = [0.1, 1, 10, 60, 600, 3600, 21_600, 86_400];

/** Seconds: from a statement in memory to one that holds everything up. */
const DATABASE_TIMES = [0.0001, 0.0005, 0.002, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 5];

const BREAKER_VALUES = { closed: 0, open: 1, half_open: 2 } as const;

export interface TelemetryParts extends JobGaugeParts {
  readonly blobs: BlobStore;
  readonly watch: BlobWatch;
  readonly scrub: Scrub | null;
  readonly registry: AgentRegistry;
  readonly events: JobEvents;
  readonly tasks: Tasks;
  /** Null while the lease could not be stored. */
  readonly epoch: () => number | null;
  /** How many loads of agents were answered from memory, and how many by the agents. */
  readonly loadLookups: { readonly hit: number; readonly miss: number };
  readonly lastGc: () => GcReport | null;
  readonly connections: ConnectionLimit;
}

/** Of names that clients choose, so many are told apart; the others are together `other`. */
const MAX_NAMES = 50;

function bounded(): (name: string) => string {
  const known = new Set<string>();
  return (name) => {
    if (known.size < MAX_NAMES) known.add(name);
    return known.has(name) ? name : "other";
  };
}

/**
 * What the server tells Prometheus. Labels are services, agents and tasks: few, and known to operators. Of
 * tenants and users, which only the counters of jobs have, there are a bounded number.
 */
export function createTelemetry(parts: TelemetryParts): Metrics {
  const metrics = new Metrics();
  countJobs(metrics, parts);
  jobGauges(metrics, parts);
  quotaGauge(metrics, parts);
  agentGauges(metrics, parts);
  storageGauges(metrics, parts);
  databaseTimes(metrics, parts.store);
  damageMetrics(metrics, parts.watch, parts.scrub);
  metrics.countedElsewhere({
    name: "jobctl_connections_refused_total",
    help: "Connections of addresses that had too many open.",
    collect: (set) => set(parts.connections.refused),
  });
  return metrics;
}

function countJobs(metrics: Metrics, { events, store, services }: TelemetryParts): void {
  const submitted = metrics.counter("jobctl_jobs_submitted_total", "Jobs that were accepted.", [
    ...["service", "tenant", "user"],
  ]);
  const finished = metrics.counter("jobctl_jobs_finished_total", "Jobs that have ended.", [
    ...["service", "tenant", "user", "state"],
  ]);
  const lost = metrics.counter(
    "jobctl_attempts_lost_total",
    "Attempts that went with their agents.",
    ["service"],
  );
  const waited = metrics.histogram(
    "jobctl_job_queue_seconds",
    "From the submit to the start.",
    WAITS,
    ["service"],
  );
  const ran = metrics.histogram("jobctl_job_run_seconds", "From the start to the end.", WAITS, [
    "service",
  ]);
  const received = metrics.counter(
    "jobctl_input_bytes_total",
    "Size of the archives of accepted jobs.",
  );
  const returned = metrics.counter(
    "jobctl_result_bytes_total",
    "Size of the results that were stored.",
  );
  // Series that begin at zero: Prometheus counts nothing of one that begins at one.
  for (const service of services.keys()) {
    const others = { service, tenant: "default", user: "other" };
    submitted.inc(others, 0);
    for (const state of TERMINAL_STATUSES) finished.inc({ ...others, state }, 0);
    lost.inc({ service }, 0);
    waited.zero({ service });
    ran.zero({ service });
  }
  const [tenantLabel, userLabel] = [bounded(), bounded()];
  /** The last status of each job that has not ended. */
  const seen = new Map<number, JobStatus>();
  /** When they were submitted, by the monotonic clock; not of those from before the start. */
  const submittedMs = new Map<number, number>();
  events.onChange((row) => {
    const { service } = row;
    const labels = { service, tenant: tenantLabel(row.tenant), user: userLabel(row.user) };
    const before = seen.get(row.id);
    if (before === undefined && row.status === "queued" && row.version === 1) {
      submittedMs.set(row.id, performance.now());
      submitted.inc(labels);
      for (const state of TERMINAL_STATUSES) finished.inc({ ...labels, state }, 0);
      received.inc(row.input_size_bytes);
    }
    if (row.status === "running" && before !== "running" && row.started_at !== null)
      waited.observe(
        { service },
        secondsQueued(row.started_at - row.submitted_at, submittedMs.get(row.id)),
      );
    const leftAgent = row.status !== before && (row.status === "queued" || row.status === "lost");
    if (leftAgent && store.attempts.endOf(row.id, row.attempt) === "lost") lost.inc({ service });
    if (!isTerminal(row.status)) {
      seen.set(row.id, row.status);
      return;
    }
    seen.delete(row.id);
    submittedMs.delete(row.id);
    finished.inc({ ...labels, state: row.status });
    returned.inc(row.result_size_bytes ?? 0);
    if (row.runtime_seconds !== null) ran.observe({ service }, row.runtime_seconds);
  });
}

function databaseTimes(metrics: Metrics, store: Store): void {
  const query = metrics.histogram(
    "jobctl_db_query_seconds",
    "Time of a statement of the database.",
    DATABASE_TIMES,
  );
  const transaction = metrics.histogram(
    "jobctl_db_transaction_seconds",
    "Time of a transaction that writes, with its commit to the disk.",
    DATABASE_TIMES,
  );
  store.onTime((kind, seconds) => (kind === "query" ? query : transaction).observe(seconds));
}

/**
 * How long a job has waited for its start, which is now.
 *
 * @param stampedMs the difference of its time stamps, for a job of which no more is known
 */
function secondsQueued(stampedMs: number, submittedMs: number | undefined): number {
  return (
    Math.max(0, submittedMs === undefined ? stampedMs : performance.now() - submittedMs) / 1000
  );
}

function agentGauges(metrics: Metrics, { registry, loadLookups }: TelemetryParts): void {
  const each = (
    name: string,
    help: string,
    value: (link: AgentRegistry["links"][number]) => number | null | undefined,
  ): void =>
    metrics.gauge({
      name,
      help,
      labels: ["agent"],
      collect: (set) => {
        for (const link of registry.links) {
          const now = value(link);
          if (now != null) set(now, { agent: link.name ?? link.url });
        }
      },
    });
  each("jobctl_agent_up", "1 when the agent is connected.", ({ state }) =>
    state === "ready" ? 1 : 0,
  );
  each("jobctl_agent_usable", "0 when the agent is connected and cannot run jobs.", (link) =>
    saidProblem(link) === null ? 1 : 0,
  );
  each("jobctl_agent_slots_total", "Jobs that it can run at once.", ({ self }) => self?.slots);
  each("jobctl_agent_slots_used", "Slots in use, as it says.", ({ load }) => load?.slotsUsed);
  each("jobctl_results_waiting", "Results on it that have not been stored yet.", (link) =>
    registry.resultsOn(link),
  );
  each("jobctl_agent_load1", "Its load average over a minute.", ({ load }) => load?.load1);
  each("jobctl_agent_cpu_ratio", "Share of its CPUs in use.", ({ load }) =>
    load?.cpuPercent == null ? null : load.cpuPercent / 100,
  );
  each("jobctl_agent_memory_ratio", "Share of its memory in use.", ({ load }) =>
    load === null ? null : load.memoryUsedBytes / load.memoryTotalBytes,
  );
  each(
    "jobctl_circuit_breaker_state",
    "0 closed, 1 open, 2 half open.",
    ({ breaker }) => BREAKER_VALUES[breaker.state],
  );
  metrics.countedElsewhere({
    name: "jobctl_cache_operations_total",
    help: "Loads of agents that were asked for: hit from memory, miss from the agent itself.",
    labels: ["cache", "result"],
    collect: (set) => {
      for (const [result, count] of Object.entries(loadLookups))
        set(count, { cache: "agent_load", result });
    },
  });
}

function storageGauges(metrics: Metrics, parts: TelemetryParts): void {
  const { store, blobs, tasks, epoch, lastGc } = parts;
  metrics.gauge({
    name: "jobctl_db_open",
    help: "Connections whose file is the one at the database's path; 0 once it has been moved away.",
    collect: (set) => set(store.openConnections()),
  });
  metrics.gauge({
    name: "jobctl_blob_bytes",
    help: "Size of the archives and results that are stored.",
    collect: (set) => {
      if (blobs.stored !== null) set(blobs.stored.sizeBytes);
    },
  });
  metrics.gauge({
    name: "jobctl_blobs",
    help: "Archives and results that are stored.",
    collect: (set) => {
      if (blobs.stored !== null) set(blobs.stored.count);
    },
  });
  metrics.gauge({
    name: "jobctl_orphans",
    help: "What the last sweep found: files that belong to no job, and jobs whose files are gone. 0 before the first.",
    labels: ["kind"],
    collect: (set) => {
      const report = lastGc();
      set(report?.blobs.count ?? 0, { kind: "blob" });
      set(report?.temporaryFiles.count ?? 0, { kind: "temporary" });
      set(report?.missing.length ?? 0, { kind: "missing" });
    },
  });
  metrics.gauge({
    name: "jobctl_backup_last_success_timestamp_seconds",
    help: "When a backup was last completed; 0 before the first.",
    collect: (set) => set((store.milestones.find("backup") ?? 0) / 1000),
  });
  metrics.gauge({
    name: "jobctl_installation_created_timestamp_seconds",
    help: "When this installation first started.",
    collect: (set) => set((store.installation.createdAt() ?? 0) / 1000),
  });
  metrics.gauge({
    name: "jobctl_backup_last_damaged",
    help: "Archives and results that the last backup had to leave out.",
    collect: (set) => set(store.milestones.damaged("backup")),
  });
  metrics.gauge({
    name: "jobctl_database_up",
    help: "1 when the database can be written.",
    collect: (set) => set(isWritable(store) ? 1 : 0),
  });
  metrics.gauge({
    name: "jobctl_database_size_bytes",
    help: "Size of the database, without its log.",
    collect: (set) => set(store.size()),
  });
  metrics.countedElsewhere({
    name: "jobctl_db_busy_total",
    help: "Writes that were refused because the database was locked or full.",
    collect: (set) => set(store.refusedWrites),
  });
  metrics.gauge({
    name: "jobctl_data_free_bytes",
    help: "Free space on the data volume.",
    collect: (set) => set(blobs.freeBytesSync()),
  });
  metrics.gauge({
    name: "jobctl_task_last_success_timestamp_seconds",
    help: "When a background task last ended well since the start of the server; 0 before the first time.",
    labels: ["task"],
    collect: (set) => {
      for (const [task, { lastSuccessAt }] of Object.entries(tasks.health))
        set(lastSuccessAt === null ? 0 : Date.parse(lastSuccessAt) / 1000, { task });
    },
  });
  metrics.gauge({
    name: "jobctl_task_ok",
    help: "0 when a background task has not ended well for three of its intervals, or never since the start.",
    labels: ["task"],
    collect: (set) => {
      for (const [task, { ok }] of Object.entries(tasks.health)) set(ok ? 1 : 0, { task });
    },
  });
  metrics.gauge({
    name: "jobctl_leader_epoch",
    help: "Epoch of the lease: one more at each take-over, and the Unix time after a restore.",
    collect: (set) => {
      const now = epoch();
      if (now !== null) set(now);
    },
  });
  metrics.countedElsewhere({
    name: "jobctl_leader_changes_total",
    help: "Take-overs since the data directory was made; a restore adds the Unix time.",
    collect: (set) => set(Math.max(0, (epoch() ?? 0) - 1)),
  });
}

function isWritable(store: Store): boolean {
  try {
    store.checkWritable();
    return true;
  } catch {
    return false;
  }
}
