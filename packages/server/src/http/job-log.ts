import { findInTar } from "@jobctl/archive";
import { signalWithin } from "@jobctl/daemon";
import { JobctlError, attemptId, isTerminal, logFile, type LogStream } from "@jobctl/protocol";

import type { AgentRegistry } from "../agents/agent-registry.js";
import type { BlobStore } from "../blobs/blob-store.js";
import type { JobEvents } from "../jobs/job-events.js";
import type { JobService } from "../jobs/job-service.js";
import type { JobRow } from "../store/job-row.js";

export interface JobLogParts {
  readonly jobs: JobService;
  readonly events: JobEvents;
  readonly blobs: BlobStore;
  readonly registry: AgentRegistry;
}

export interface LogRequest {
  readonly jobId: number;
  readonly stream: LogStream;
  readonly offset: number;
  readonly follow: boolean;
  /** Only the output of this attempt. */
  readonly attempt: number | undefined;
  readonly signal: AbortSignal;
}

/** Output of one attempt; `attempt` is 0 for a job that never had one. */
export interface JobLog {
  readonly attempt: number;
  readonly bytes: AsyncIterable<Buffer>;
}

/**
 * Finds where the output of a job is at the moment, on its agent or in its stored result, and waits
 * for a job that has not started when it is to be followed.
 *
 * @throws JobctlError `job_not_found`, `agent_unreachable`, `attempt_superseded`
 */
export async function openJobLog(request: LogRequest, parts: JobLogParts): Promise<JobLog> {
  for (;;) {
    const row = parts.jobs.getRow(request.jobId);
    checkAttempt(row, request.attempt);
    if (isTerminal(row.status))
      return { attempt: row.attempt, bytes: storedLog(row, request, parts) };
    if (row.status !== "queued") {
      const live = await openLiveLog(row, request, parts);
      if (live !== null) return { attempt: row.attempt, bytes: live };
    } else if (!request.follow) {
      return { attempt: row.attempt, bytes: nothing() };
    }
    if (parts.jobs.getRow(request.jobId).version !== row.version) continue;
    await parts.events.next(request.jobId, request.signal);
    // An answer that ended here would look like a complete log.
    request.signal.throwIfAborted();
  }
}

/** @throws JobctlError `attempt_superseded` */
function checkAttempt(row: JobRow, wanted: number | undefined): void {
  if (wanted === undefined || (wanted === row.attempt && row.status !== "queued")) return;
  throw new JobctlError(
    "attempt_superseded",
    `attempt ${wanted} of job ${row.id} was lost with its agent`,
    {
      hint: "The job is queued again, or runs elsewhere; its output begins anew.",
    },
  );
}

/** Null when the agent does not have it: not yet, or not any more. */
async function openLiveLog(
  row: JobRow,
  request: LogRequest,
  parts: JobLogParts,
): Promise<AsyncIterable<Buffer> | null> {
  const link = parts.registry.byName(row.agent);
  if (link?.state !== "ready") {
    if (request.follow) return null;
    throw new JobctlError(
      "agent_unreachable",
      `agent ${row.agent} holds the output of job ${row.id} and cannot be reached`,
      {
        hint: "The job goes on; try again in a moment.",
      },
    );
  }
  const either = signalWithin(null, request.signal, link.connectionSignal);
  try {
    const id = attemptId(row.id, row.attempt);
    const log = await link.client.getLog(id, request, either.signal);
    return log.once("close", () => either.release());
  } catch (error) {
    either.release();
    if (error instanceof JobctlError && error.code === "attempt_not_found") return null;
    throw error;
  }
}

async function* storedLog(
  row: JobRow,
  request: LogRequest,
  parts: JobLogParts,
): AsyncGenerator<Buffer> {
  if (row.result_sha256 === null) return;
  const blob = await parts.blobs.open(row.result_sha256);
  try {
    const entry = await findInTar(blob, logFile(request.stream), request.signal);
    if (entry === null || request.offset >= entry.sizeBytes) return;
    yield* blob.stream(entry.offset + request.offset, entry.offset + entry.sizeBytes - 1);
  } finally {
    await blob.close();
  }
}

async function* nothing(): AsyncGenerator<Buffer> {}
