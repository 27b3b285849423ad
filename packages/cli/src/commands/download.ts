import type { Job, Output as JsonOutput } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";
import { compileGlobs } from "@jobctl/protocol/glob";
import { isTerminal } from "@jobctl/protocol/lifecycle";

import { checkGlobs } from "../check-globs.js";
import { checkListing } from "../check-listing.js";
import { runCommand, type CommonFlags, type Context } from "../command.js";
import {
  downloadArchive,
  downloadFiles,
  downloadInto,
  downloadPartial,
  type DownloadOptions,
} from "../download-result.js";
import { parseJobId } from "../job-ids.js";
import { startProgress } from "../progress.js";
import { formatBytes } from "../units.js";

export interface DownloadFlags extends CommonFlags {
  readonly out?: string;
  readonly archive?: string;
  readonly path?: string;
  readonly partial?: boolean;
  readonly force?: boolean;
}

type FileList = Extract<JsonOutput, { schema: "jobctl.files/v1" }>;

export async function download(idText: string, flags: DownloadFlags): Promise<void> {
  await runCommand(flags, async (context) => {
    const id = parseJobId(idText);
    const modes = [flags.archive, flags.path, flags.partial].filter((flag) => flag !== undefined);
    if (modes.length > 1)
      throw new JobctlError("usage", "--archive, --path and --partial exclude each other");
    if (flags.path !== undefined) checkGlobs("--path", [flags.path]);
    const job = await context.client.json<Job>(`/v1/jobs/${id}`, { signal: context.signal });
    await downloadJob(job, flags, context);
  });
}

async function downloadJob(job: Job, flags: DownloadFlags, context: Context): Promise<void> {
  const directory = flags.out ?? `job-${job.id}`;
  const target = flags.archive ?? directory;
  const progress = await startProgress(context.output);
  const options = {
    client: context.client,
    signal: context.signal,
    onBytes: (bytes: number) => progress.advance(bytes),
  };
  progress.phase(
    `Downloading job ${job.id}`,
    flags.path === undefined ? job.result?.sizeBytes : undefined,
  );
  let sizeBytes = job.result?.sizeBytes ?? 0;
  let sha256 = job.result?.sha256 ?? null;
  try {
    if (flags.partial === true && !isTerminal(job.status)) {
      sizeBytes = await downloadPartial(job.id, directory, flags.force ?? false, options);
      sha256 = null;
    } else if (flags.path !== undefined) {
      sizeBytes = await downloadMatching(job, flags.path, directory, flags.force ?? false, options);
      sha256 = null;
    } else {
      checkHasResult(job);
      if (flags.archive !== undefined)
        await downloadArchive(job, flags.archive, flags.force ?? false, options);
      else await downloadInto(job, directory, flags.force ?? false, options);
    }
  } finally {
    progress.stop();
  }
  const partial = sha256 === null && flags.path === undefined;
  context.output.note(`job ${job.id}: ${formatBytes(sizeBytes)} in ${target}`);
  if (context.output.flags.json) {
    context.output.json({
      schema: "jobctl.download/v1",
      id: job.id,
      path: target,
      sizeBytes,
      sha256,
      partial,
    });
  }
}

async function downloadMatching(
  job: Job,
  glob: string,
  directory: string,
  force: boolean,
  options: DownloadOptions,
): Promise<number> {
  checkHasResult(job);
  const matches = compileGlobs([glob]);
  const list = await options.client.json<FileList>(`/v1/jobs/${job.id}/files`, {
    signal: options.signal,
  });
  const files = checkListing(list.items).filter(({ path }) => matches(path));
  if (files.length > 0) return downloadFiles(job.id, files, directory, force, options);
  throw new JobctlError(
    "file_not_found",
    `no file in the result of job ${job.id} matches ${JSON.stringify(glob)}`,
    {
      hint: "* stays within one folder, ** crosses folders: folder/** is everything in a folder.",
    },
  );
}

/** @throws JobctlError as the server would say it, before anything is asked of it */
function checkHasResult(job: Job): void {
  if (!isTerminal(job.status)) {
    throw new JobctlError(
      "job_not_finished",
      `job ${job.id} is ${job.status}: it has no result yet`,
      {
        hint: `jobctl wait ${job.id} waits for it; --partial fetches what there is.`,
      },
    );
  }
  if (job.result === null) {
    throw new JobctlError(
      "result_missing",
      `job ${job.id} (${job.status}) left no result: it never ran`,
    );
  }
}
