import { machineMoment, msBetween, wallClock } from "@jobctl/daemon";
import type { AttemptReport } from "@jobctl/protocol";
import { z } from "zod";

const momentSchema = z.object({ boot: z.string(), ms: z.number() }).nullable();

/** When an attempt started and ended, by the machine's monotonic clock: it outlives this process. */
export const attemptMomentsSchema = z.object({ started: momentSchema, finished: momentSchema });
export type AttemptMoments = z.infer<typeof attemptMomentsSchema>;

export const NOT_STARTED: AttemptMoments = { started: null, finished: null };

type Times = Pick<AttemptReport, "startedAt" | "finishedAt">;

/** The start of an attempt: now. */
export function started(): { moments: AttemptMoments; startedAt: string } {
  const startedAt = new Date(wallClock()).toISOString();
  return { moments: { ...NOT_STARTED, started: machineMoment() }, startedAt };
}

/** The end of an attempt: now. Its time stamp follows that of the start, however the clock was set meanwhile. */
export function finished(
  { started: begin }: AttemptMoments,
  { startedAt }: Times,
): { moments: AttemptMoments; finishedAt: string } {
  const end = machineMoment();
  const ranMs = begin === null ? null : msBetween(begin, end);
  const earliest = startedAt === null ? 0 : Date.parse(startedAt);
  const at =
    ranMs === null || startedAt === null ? Math.max(earliest, wallClock()) : earliest + ranMs;
  return {
    moments: { started: begin, finished: end },
    finishedAt: new Date(at).toISOString(),
  };
}

/** A report with the ages of start and end; without them where the machine has been started since. */
export function withAges(
  report: AttemptReport,
  { started: begin, finished: end }: AttemptMoments,
): AttemptReport {
  const at = machineMoment();
  const [startedMs, finishedMs] = [begin, end].map((moment) =>
    moment === null ? null : msBetween(moment, at),
  );
  const isUnknown =
    (report.startedAt !== null && startedMs == null) ||
    (report.finishedAt !== null && finishedMs == null);
  if (isUnknown) return report;
  const ages = { startedSeconds: seconds(startedMs), finishedSeconds: seconds(finishedMs) };
  return { ...report, ages };
}

/** The same report, said later. */
export function aged(report: AttemptReport, laterMs: number): AttemptReport {
  const { ages } = report;
  if (ages === undefined) return report;
  const later = (age: number | null): number | null => (age === null ? null : age + laterMs / 1000);
  const { startedSeconds, finishedSeconds } = ages;
  return {
    ...report,
    ages: { startedSeconds: later(startedSeconds), finishedSeconds: later(finishedSeconds) },
  };
}

function seconds(ms: number | null | undefined): number | null {
  return ms == null ? null : ms / 1000;
}
