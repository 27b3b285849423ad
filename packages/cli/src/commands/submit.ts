import { randomUUID } from "node:crypto";

import type { Job, SubmissionInput } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";
import { isTerminal } from "@jobctl/protocol/lifecycle";

import { checkGlobs } from "../check-globs.js";
import { runCommand, type CommonFlags, type Context } from "../command.js";
import { downloadInto } from "../download-result.js";
import { exitCodeOf } from "../exit-code.js";
import { followJob } from "../follow.js";
import { summaryOf } from "../job-table.js";
import { logPrinter } from "../log-printer.js";
import { readJobSource, type JobSource } from "../pack-job.js";
import { startProgress, type Progress } from "../progress.js";
import { submitJob } from "../submit-job.js";
import { formatBytes, parseDuration, parseSize } from "../units.js";
import { waitForJob } from "../wait-for-job.js";

export interface SubmitFlags extends CommonFlags {
  readonly service?: string;
  readonly name?: string;
  readonly label?: readonly string[];
  readonly time?: string;
  readonly cpus?: string;
  readonly memory?: string;
  readonly env?: readonly string[];
  readonly priority?: string;
  readonly output?: readonly string[];
  readonly requeue: boolean;
  readonly retries?: string;
  readonly validate: boolean;
  readonly wait?: boolean;
  readonly follow?: boolean;
  readonly download?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly idempotencyKey?: string;
}

export async function submit(path: string, flags: SubmitFlags): Promise<void> {
  await runCommand(flags, async (context) => {
    const options = readOptions(flags, context);
    const progress = await startProgress(context.output);
    try {
      progress.phase("Packing");
      const source = await readJobSource(path, (bytes) => progress.advance(bytes));
      if (flags.dryRun === true) return showContent(source, context);
      if (flags.validate) {
        const { checkBeforeSubmit } = await import("../check-script.js");
        await checkBeforeSubmit(source, options.service ?? "default", context);
      }
      return await submitSource(source, options, flags, context, progress);
    } finally {
      progress.stop();
    }
  });
}

async function submitSource(
  source: JobSource,
  options: SubmissionInput,
  flags: SubmitFlags,
  context: Context,
  progress: Progress,
): Promise<number | void> {
  const { output, client, signal } = context;
  const idempotencyKey = flags.idempotencyKey ?? randomUUID();
  // It goes into a header.
  if (!/^[!-~]{1,255}$/.test(idempotencyKey))
    throw new JobctlError(
      "usage",
      `--idempotency-key: ${JSON.stringify(idempotencyKey)} is no key`,
      {
        hint: "Up to 255 letters, digits and signs of ASCII, without blanks.",
      },
    );
  const submitted = await submitJob(
    source,
    { name: source.name.slice(0, 128) || "job", ...options },
    {
      client,
      signal,
      idempotencyKey,
      onUpload: (totalBytes) => progress.phase("Uploading", totalBytes),
      onBytes: (bytes) => progress.advance(bytes),
    },
  );
  let job: Job = submitted.job;
  announce(job, flags, context);
  const waits = flags.wait === true || flags.follow === true || flags.download !== undefined;
  if (waits) {
    context.onInterrupt(`Job ${job.id} goes on. To stop it: jobctl cancel ${job.id}`);
    job = await waitForEnd(job, flags, context, progress);
  }
  const downloadedTo = await downloadIfAsked(job, flags, context, progress);
  if (output.flags.json) {
    output.json({
      ...job,
      schema: "jobctl.submission/v1",
      created: submitted.created,
      archiveSent: submitted.archiveSent,
      downloadedTo,
    });
  }
  return waits ? exitCodeOf(job) : undefined;
}

/** The bare id for scripts; on a terminal also what to do next. With `--follow` stdout is the job's. */
function announce(job: Job, flags: SubmitFlags, { output }: Context): void {
  if (output.flags.json) return;
  if (flags.follow === true) output.note(`job ${job.id} submitted`);
  else output.line(String(job.id));
  const waits = flags.wait === true || flags.follow === true || flags.download !== undefined;
  if (output.interactive && !waits) {
    output.note(
      `Follow it with: jobctl logs -f ${job.id}\nFetch its results with: jobctl download ${job.id}`,
    );
  }
}

async function waitForEnd(
  job: Job,
  flags: SubmitFlags,
  context: Context,
  progress: Progress,
): Promise<Job> {
  const { client, signal, output } = context;
  let ended: Job;
  if (flags.follow === true && !output.flags.json) {
    progress.stop();
    ended = await followJob(job.id, {
      client,
      signal,
      streams: ["stdout", "stderr"],
      sink: logPrinter(),
      onNewAttempt: (attempt) =>
        output.note(`job ${job.id} lost its agent; this is attempt ${attempt}`),
    });
  } else {
    ended = await waitForJob(client, job.id, {
      signal,
      enough: (now) => isTerminal(now.status),
      onChange: (now) => progress.phase(`Job ${now.id} ${now.status}${waitingFor(now)}`),
    });
    progress.stop();
  }
  output.note(summaryOf(ended));
  return ended;
}

function waitingFor(job: Job): string {
  if (job.status !== "queued" || job.position === null) return "";
  return `, number ${job.position} (${job.reason})`;
}

async function downloadIfAsked(
  job: Job,
  flags: SubmitFlags,
  { client, signal, output }: Context,
  progress: Progress,
): Promise<string | null> {
  if (flags.download === undefined || job.result === null) return null;
  progress.phase("Downloading", job.result.sizeBytes);
  await downloadInto(job, flags.download, flags.force ?? false, {
    client,
    signal,
    onBytes: (bytes) => progress.advance(bytes),
  });
  progress.stop();
  output.note(`job ${job.id}: ${formatBytes(job.result.sizeBytes)} in ${flags.download}`);
  return flags.download;
}

function showContent(source: JobSource, { output }: Context): void {
  if (source.entries === null) {
    throw new JobctlError(
      "usage",
      "--dry-run lists what would be packed; this is an archive already",
      {
        hint: "tar -tvf lists it.",
      },
    );
  }
  const items = source.entries.map(({ path, type, sizeBytes }) => ({ path, type, sizeBytes }));
  const archive = { sizeBytes: source.sizeBytes, sha256: source.sha256 };
  if (output.flags.json) {
    return output.json({ schema: "jobctl.dry-run/v1", items, nextCursor: null, archive });
  }
  for (const { path, type, sizeBytes } of items) {
    output.line(
      output.interactive
        ? `${formatBytes(sizeBytes).padStart(10)}  ${type.padEnd(9)}  ${path}`
        : `${sizeBytes}\t${type}\t${path}`,
    );
  }
  output.note(
    `${items.length} entries, an archive of ${source.sizeBytes} bytes, sha256:${source.sha256}`,
  );
}

/** @throws JobctlError `usage` naming the option */
function readOptions(flags: SubmitFlags, { config }: Context): SubmissionInput {
  const service = flags.service ?? config.settings.service.value ?? undefined;
  return {
    user: config.user.slice(0, 64),
    ...(service === undefined ? {} : { service }),
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.label === undefined ? {} : { labels: readPairs("--label", flags.label) }),
    ...(flags.env === undefined ? {} : { env: readPairs("--env", flags.env) }),
    ...(flags.time === undefined ? {} : { timeoutSeconds: parseDuration(flags.time) }),
    ...(flags.cpus === undefined ? {} : { cpus: readWhole("--cpus", flags.cpus) }),
    ...(flags.memory === undefined ? {} : { memoryBytes: parseSize(flags.memory) }),
    ...(flags.priority === undefined ? {} : { priority: readWhole("--priority", flags.priority) }),
    ...(flags.output === undefined ? {} : { outputs: readGlobs("--output", flags.output) }),
    ...(flags.retries === undefined ? {} : { retries: readWhole("--retries", flags.retries) }),
    requeue: flags.requeue,
  };
}

function readGlobs(option: string, globs: readonly string[]): string[] {
  checkGlobs(option, globs);
  return [...globs];
}

function readPairs(option: string, texts: readonly string[]): Record<string, string> {
  const pairs = texts.map((text) => {
    const at = text.indexOf("=");
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)] as const;
    throw new JobctlError("usage", `${option}: ${JSON.stringify(text)} is not NAME=VALUE`);
  });
  return Object.fromEntries(pairs);
}

function readWhole(option: string, text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new JobctlError("usage", `${option}: ${JSON.stringify(text)} is not a whole number`);
}
