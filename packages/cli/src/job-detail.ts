import type { Finding, Job } from "@jobctl/protocol";

import { predicateOf } from "./damage.js";
import { runtimeOf } from "./job-table.js";
import { printable } from "./printable.js";
import { formatBytes, formatDuration } from "./units.js";

/** Everything about one job, as lines for people. */
export function describeJob(job: Job): string[] {
  const outcome = job.outcome;
  const rows: (readonly [string, string | null])[] = [
    ["Job", `${job.id}  ${job.name}`],
    [
      "Status",
      job.status + (job.reason === null || job.reason === "exited" ? "" : ` (${job.reason})`),
    ],
    ["Position", job.position === null ? null : `${job.position} in the queue`],
    ["Exit", outcome === null ? null : ((outcome.signal ?? outcome.exitCode)?.toString() ?? null)],
    ["Message", outcome?.message ?? null],
    ["User", `${job.user} (${job.tenant})`],
    ["Service", job.service],
    ["Labels", labelsOf(job)],
    ["Agent", job.agent === null ? null : `${job.agent}, attempt ${job.attempt}`],
    ["Submitted", job.submittedAt],
    ["Started", job.startedAt],
    ["Finished", job.finishedAt],
    ["Cancel", job.cancelRequestedAt === null ? null : `requested ${job.cancelRequestedAt}`],
    [
      "Runtime",
      job.startedAt === null
        ? null
        : `${formatDuration(runtimeOf(job))} of ${formatDuration(job.timeoutSeconds)}`,
    ],
    ["Used", usageOf(job)],
    ["Asked for", resourcesOf(job)],
    ["Input", describeFile(job.input)],
    ["Result", job.result === null ? null : describeFile(job.result)],
  ];
  const shown = rows.filter(([, value]) => value !== null);
  const width = Math.max(...shown.map(([label]) => label.length));
  return [
    ...shown.map(([label, value]) => `${label.padEnd(width)}  ${printable(value ?? "")}`),
    ...job.findings.map(describeFinding),
  ];
}

function describeFile({ sizeBytes, sha256, damage = null }: Job["input"]): string {
  return `${formatBytes(sizeBytes)}  sha256:${sha256}${damage === null ? "" : `  ${predicateOf(damage).replace(/^is /, "")}`}`;
}

function labelsOf(job: Job): string | null {
  const labels = Object.entries(job.labels);
  return labels.length === 0 ? null : labels.map(([key, value]) => `${key}=${value}`).join(" ");
}

function usageOf(job: Job): string | null {
  if (job.usage === null) return null;
  const { cpuSeconds, maxRssBytes } = job.usage;
  if (cpuSeconds === null) return null;
  return `${formatDuration(cpuSeconds)} CPU, ${maxRssBytes === null ? "?" : formatBytes(maxRssBytes)} memory at most`;
}

function resourcesOf(job: Job): string {
  const { cpus, memoryBytes } = job.resources;
  return `${cpus} CPU${cpus === 1 ? "" : "s"}${memoryBytes === null ? "" : `, ${formatBytes(memoryBytes)} memory`}`;
}

function describeFinding(finding: Finding): string {
  const { file, line, column, endColumn, source, severity, rule, message, hint } = finding;
  const lines = [
    `${printable(file)}:${line ?? 1}:${column ?? 1}  ${severity}  ${rule}  ${printable(message)}`,
  ];
  if (source !== null && line !== null && column !== null) {
    const text = printable(source.replaceAll("\t", " "));
    const width = Math.max(1, Math.min(endColumn ?? Infinity, [...text].length + 1) - column);
    lines.push(`   ${line} | ${text}`);
    lines.push(
      `   ${" ".repeat(String(line).length)} | ${" ".repeat(column - 1)}${"^".repeat(width)}`,
    );
  }
  if (hint !== null) lines.push(`   help: ${printable(hint)}`);
  return lines.join("\n");
}
