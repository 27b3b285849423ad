import { machineMoment, msBetween, wallClock, type Moment } from "@jobctl/daemon";

import type { HeardReport } from "../heard-report.js";
import type { JobChanges, JobRow } from "../store/job-row.js";
import type { Clocks } from "../store/job-store.js";

/** What all clocks show at one moment. */
export interface ClockReading {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  readonly machine: Moment;
}

export function readClocks(): ClockReading {
  return { wallMs: wallClock(), machine: machineMoment() };
}

type Timed = Pick<JobRow, "started_at" | "clock_boot" | "clock_ms" | "runtime_seconds">;

/**
 * How long a job has been running, or ran, in seconds; null when it has not been started. Only after a start
 * of the machine, and until its agent has been heard again, the time of day has to do.
 */
export function runtimeSeconds(row: Timed, at: ClockReading): number | null {
  if (row.started_at === null) return null;
  if (row.runtime_seconds !== null) return row.runtime_seconds;
  const elapsedMs = sinceClock(row, at) ?? Math.max(0, at.wallMs - row.started_at);
  return Math.round(elapsedMs) / 1000;
}

/** Milliseconds since the stored moment; null when there is none, or it tells nothing any more. */
function sinceClock(row: Pick<JobRow, "clock_boot" | "clock_ms">, at: ClockReading): number | null {
  if (row.clock_boot === null || row.clock_ms === null) return null;
  return msBetween({ boot: row.clock_boot, ms: row.clock_ms }, at.machine);
}

/** A moment to store with a row. */
export function clockColumns({ machine }: ClockReading, agoMs = 0): JobChanges {
  return { clock_boot: machine.boot, clock_ms: machine.ms - agoMs };
}

/**
 * When an attempt started: by the age that its agent tells, on this server's clocks. What cannot be true
 * (an agent's word may be wrong) is moved between the moment at which it was sent and now.
 *
 * @param earliest when the attempt was sent, in milliseconds since 1970
 */
export function startColumns(
  report: HeardReport,
  row: JobRow,
  earliest: number,
  at: ClockReading,
): JobChanges {
  const sentMsAgo = sinceClock(row, at);
  const saidMsAgo = msAgo(report.ages?.startedSeconds, report.startedAt, report, at);
  const startedMsAgo = Math.min(saidMsAgo, sentMsAgo ?? Math.max(0, at.wallMs - earliest));
  return {
    started_at: Math.round(Math.max(earliest, at.wallMs - startedMsAgo)),
    ...clockColumns(at, startedMsAgo),
  };
}

/**
 * The earliest time stamp of the end of a job that ends now: however the time of day was set meanwhile, time
 * stamps are as far apart as it ran.
 */
export function earliestEnd(row: Timed & Pick<JobRow, "submitted_at">, at: ClockReading): number {
  const ranMs = (runtimeSeconds(row, at) ?? 0) * 1000;
  return Math.round((row.started_at ?? row.submitted_at) + ranMs);
}

/** When an attempt ended, on this server's clock: not in the future, unless that is the earliest. */
export function endedAt(report: HeardReport, earliest: number, at: ClockReading): number {
  const endedMsAgo = msAgo(report.ages?.finishedSeconds, report.finishedAt, report, at);
  return Math.round(Math.max(earliest, at.wallMs - endedMsAgo));
}

/** How long an attempt that has ended ran, as its agent measured it; not longer than it was away. */
export function reportedRuntime(report: HeardReport, row: Timed, at: ClockReading): number | null {
  if (row.started_at === null) return null;
  const { ages, usage } = report;
  const said =
    usage?.wallSeconds ??
    (ages?.startedSeconds == null || ages.finishedSeconds == null
      ? null
      : Math.max(0, ages.startedSeconds - ages.finishedSeconds));
  if (said === null) return runtimeSeconds(row, at);
  const elapsedMs = sinceClock(row, at) ?? Math.max(0, at.wallMs - row.started_at);
  return Math.min(said, Math.ceil(elapsedMs) / 1000);
}

/**
 * How long ago something was, in milliseconds.
 *
 * @param ageSeconds as the agent tells it; undefined from an agent that tells none
 * @param instant by the agent's clock, for that case; null stands for now
 */
function msAgo(
  ageSeconds: number | null | undefined,
  instant: string | null,
  { heardMs }: HeardReport,
  at: ClockReading,
): number {
  if (ageSeconds != null) return ageSeconds * 1000 + Math.max(0, at.machine.ms - heardMs);
  const said = instant === null ? Number.NaN : Date.parse(instant);
  return Number.isNaN(said) ? 0 : Math.max(0, at.wallMs - said);
}

/** The same for the store's statements. */
export function storeClocks({ wallMs, machine }: ClockReading): Clocks {
  return { wallMs, machineMs: machine.ms, boot: machine.boot };
}
