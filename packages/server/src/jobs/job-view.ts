import type { AttemptSummary, Finding, Job, JobEvent } from "@jobctl/protocol";

import type { JobEventRow, JobRow } from "../store/job-row.js";
import { readClocks, runtimeSeconds, type ClockReading } from "./runtime.js";

/** Why a queued job waits, and at which place. */
export interface QueuePlace {
  readonly position: number;
  readonly reason: string;
}

/** What is wrong with a stored file; null when no damage is known. */
export type DamageOf = (sha256: string) => string | null;

/** A row as every interface shows it. */
export function viewJob(
  row: JobRow,
  place: QueuePlace | undefined,
  damageOf: DamageOf,
  clocks: ClockReading = readClocks(),
): Job {
  const stored = (sha256: string, sizeBytes: number): Job["input"] => ({
    ...{ sizeBytes, sha256 },
    damage: damageOf(sha256),
  });
  return {
    id: row.id,
    name: row.name,
    tenant: row.tenant,
    user: row.user,
    service: row.service,
    labels: JSON.parse(row.labels) as Record<string, string>,
    status: row.status,
    reason: row.outcome_reason ?? row.agent_reason ?? place?.reason ?? null,
    position: place?.position ?? null,
    outcome:
      row.outcome_reason === null
        ? null
        : {
            reason: row.outcome_reason,
            exitCode: row.exit_code,
            signal: row.signal,
            message: row.outcome_message,
          },
    findings: JSON.parse(row.findings) as Finding[],
    attempt: row.attempt,
    agent: row.agent,
    priority: row.priority,
    submittedAt: instant(row.submitted_at),
    startedAt: instantOrNull(row.started_at),
    finishedAt: instantOrNull(row.finished_at),
    runtimeSeconds: runtimeSeconds(row, clocks),
    expiresAt: null,
    cancelRequestedAt: instantOrNull(row.cancel_requested_at),
    timeoutSeconds: row.timeout_seconds,
    resources: { cpus: row.cpus, memoryBytes: row.memory_bytes },
    usage:
      row.wall_seconds === null
        ? null
        : {
            wallSeconds: row.wall_seconds,
            cpuSeconds: row.cpu_seconds,
            maxRssBytes: row.max_rss_bytes,
          },
    retries: row.retries,
    attempts: (JSON.parse(row.attempts) as StoredAttempt[]).map((attempt) => ({
      ...attempt,
      createdAt: instant(attempt.createdAt),
      startedAt: instantOrNull(attempt.startedAt),
      finishedAt: instantOrNull(attempt.finishedAt),
    })),
    input: stored(row.input_sha256, row.input_size_bytes),
    result:
      row.result_sha256 === null ? null : stored(row.result_sha256, row.result_size_bytes ?? 0),
    version: row.version,
  };
}

/** With times in milliseconds since 1970. */
type StoredAttempt = Omit<AttemptSummary, "createdAt" | "startedAt" | "finishedAt"> & {
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
};

export function viewEvent(row: JobEventRow): JobEvent {
  return { ...row, at: instant(row.at) };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}

function instantOrNull(ms: number | null): string | null {
  return ms === null ? null : instant(ms);
}
