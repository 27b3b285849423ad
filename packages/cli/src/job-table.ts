import type { Job } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";

import { exitCodeOf } from "./exit-code.js";
import { printable } from "./printable.js";
import { formatTable, type Column } from "./table.js";
import { formatDuration, secondsSince } from "./units.js";
import type { Output } from "./output.js";

const STATUS_COLORS = {
  queued: "yellow",
  dispatched: "cyan",
  running: "blue",
  collecting: "cyan",
  completed: "green",
  failed: "red",
  invalid: "red",
  timed_out: "red",
  cancelled: "gray",
  lost: "red",
} as const;

const COLUMNS: readonly Column<Job>[] = [
  { key: "id", title: "ID", human: (job) => String(job.id), alignRight: true },
  { key: "name", title: "NAME", human: (job) => job.name },
  {
    key: "status",
    title: "STATUS",
    human: (job) => job.status,
    color: (job, chalk) => chalk[STATUS_COLORS[job.status]],
  },
  { key: "reason", title: "REASON", human: reasonOf },
  { key: "agent", title: "AGENT", human: (job) => job.agent ?? "-" },
  {
    key: "age",
    title: "AGE",
    human: (job) => formatDuration(secondsSince(job.submittedAt)),
    plain: (job) => job.submittedAt,
    alignRight: true,
  },
  {
    key: "runtime",
    title: "RUNTIME",
    human: (job) => (job.startedAt === null ? "-" : formatDuration(runtimeOf(job))),
    plain: (job) => (job.startedAt === null ? "-" : runtimeOf(job).toFixed(3)),
    alignRight: true,
  },
  { key: "exit", title: "EXIT", human: exitOf, alignRight: true },
  { key: "user", title: "USER", human: (job) => job.user },
  { key: "service", title: "SERVICE", human: (job) => job.service },
  { key: "attempt", title: "ATTEMPT", human: (job) => String(job.attempt), alignRight: true },
  {
    key: "position",
    title: "POSITION",
    human: (job) => (job.position === null ? "-" : String(job.position)),
    alignRight: true,
  },
  { key: "priority", title: "PRIORITY", human: (job) => String(job.priority), alignRight: true },
  { key: "started", title: "STARTED", human: (job) => job.startedAt ?? "-" },
  { key: "finished", title: "FINISHED", human: (job) => job.finishedAt ?? "-" },
];

export const DEFAULT_COLUMNS = [
  "id",
  "name",
  "status",
  "reason",
  "agent",
  "age",
  "runtime",
  "exit",
];

export interface JobTableOptions {
  readonly columns: readonly string[];
  readonly header: boolean;
}

/** @throws JobctlError `usage` for a column that there is not */
export async function printJobs(
  jobs: readonly Job[],
  output: Output,
  options: JobTableOptions,
): Promise<void> {
  const columns = options.columns.map(findColumn);
  const lines = await formatTable(jobs, columns, {
    interactive: output.interactive,
    header: options.header,
  });
  output.styled(lines);
}

/** Says that a limit has hidden rows; nothing when it has not. */
export function noteHidden(
  list: { readonly items: readonly unknown[]; readonly nextCursor: string | null },
  output: Output,
): void {
  if (list.nextCursor === null) return;
  output.note(`These are the first ${list.items.length}; there are more: --limit N shows them.`);
}

function findColumn(key: string): Column<Job> {
  const column = COLUMNS.find((candidate) => candidate.key === key.trim().toLowerCase());
  if (column !== undefined) return column;
  throw new JobctlError("usage", `there is no column ${JSON.stringify(key)}`, {
    hint: `There are: ${COLUMNS.map((candidate) => candidate.key).join(", ")}.`,
  });
}

/** Seconds for which a job has been running, or ran, as the server measures it. */
export function runtimeOf(job: Job): number {
  return job.runtimeSeconds ?? job.usage?.wallSeconds ?? 0;
}

/** Why it waits, or how it ended; a plain success or exit code needs no reason. */
function reasonOf(job: Job): string {
  if (job.outcome?.reason === "exited") return "-";
  if (job.cancelRequestedAt !== null && job.finishedAt === null) return "cancelling";
  return job.reason ?? "-";
}

function exitOf(job: Job): string {
  if (job.outcome === null) return "-";
  return (
    job.outcome.signal ?? String(job.outcome.exitCode ?? (job.status === "completed" ? 0 : "-"))
  );
}

/** One line about a job that has ended, for people. */
export function summaryOf(job: Job): string {
  const after = job.startedAt === null ? "" : ` after ${formatDuration(runtimeOf(job))}`;
  const how =
    job.outcome?.reason === "signaled"
      ? `killed by ${job.outcome.signal}`
      : job.status === "failed" && job.outcome?.exitCode
        ? `exit code ${job.outcome.exitCode}`
        : (job.outcome?.message ?? "");
  const exit = exitCodeOf(job);
  return `job ${job.id} ${job.status.replace("_", " ")}${after}${how === "" ? "" : `: ${printable(how)}`}${exit === 0 ? "" : ` (exit ${exit})`}`;
}
