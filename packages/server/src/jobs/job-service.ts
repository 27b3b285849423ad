import { createHash } from "node:crypto";

import { crashPoint, wallClock, type Logger } from "@jobctl/daemon";
import {
  JobctlError,
  isTerminal,
  type JobListQuery,
  type Job,
  type JobEvent,
  type Submission,
} from "@jobctl/protocol";

import type { StagedArchive } from "../blobs/archive-intake.js";
import type { BlobStore } from "../blobs/blob-store.js";
import type { JobIds } from "../store/job-ids.js";
import { JobRate } from "../store/job-rate.js";
import type { JobRow, NewJobRow } from "../store/job-row.js";
import type { Store } from "../store/store.js";
import { commitWithRow } from "./commit-blob.js";
import type { JobEvents } from "./job-events.js";
import { viewEvent, viewJob, type DamageOf, type QueuePlace } from "./job-view.js";
import { readClocks, storeClocks } from "./runtime.js";

interface JobServiceSettings {
  readonly services: { has(name: string): boolean; keys(): Iterable<string> };
  readonly maxJobSeconds: number;
}

export interface SubmitContext {
  readonly tenant: string;
  readonly idempotencyKey: string | null;
}

export interface Submitted {
  readonly row: JobRow;
  /** False when an earlier submit with the same key had made the job. */
  readonly created: boolean;
}

export interface JobServiceParts {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: JobEvents;
  readonly settings: JobServiceSettings;
  readonly logger: Logger;
  /** Where the queued jobs stand, in order; known to the scheduler. */
  readonly queuePlaces: () => ReadonlyMap<number, QueuePlace>;
  readonly damageOf: DamageOf;
  readonly ids: Pick<JobIds, "skipGiven" | "reserve" | "noteGiven">;
}

/** What users do with jobs: submit, look, wait, cancel. */
export class JobService {
  readonly #parts: JobServiceParts;
  readonly #rate = new JobRate();

  constructor(parts: JobServiceParts) {
    this.#parts = parts;
  }

  /** @throws JobctlError `service_unknown`, `invalid_request` */
  checkSubmission(submission: Submission): void {
    const { services, maxJobSeconds } = this.#parts.settings;
    if (!services.has(submission.service)) {
      throw new JobctlError(
        "service_unknown",
        `there is no service ${JSON.stringify(submission.service)}`,
        {
          hint: `This server has: ${[...services.keys()].join(", ")}.`,
        },
      );
    }
    if ((submission.timeoutSeconds ?? 0) > maxJobSeconds) {
      throw new JobctlError(
        "invalid_request",
        `the time limit of ${submission.timeoutSeconds} s is above this server's ${maxJobSeconds} s`,
        { hint: "Ask for less, or ask the operator to raise JOBCTL_MAX_JOB_SECONDS." },
      );
    }
  }

  /**
   * The job that an earlier submit with this key made.
   *
   * @throws JobctlError `idempotency_conflict` when that was another submit
   */
  findRepeated(submission: Submission, context: SubmitContext, inputSha256: string): JobRow | null {
    if (context.idempotencyKey === null) return null;
    const row = this.#parts.store.jobs.findByKey(context.tenant, context.idempotencyKey);
    if (row === null || row.request_sha256 === requestDigest(submission, inputSha256)) return row;
    throw new JobctlError(
      "idempotency_conflict",
      `the idempotency key belongs to job ${row.id}, which was submitted with other options or another archive`,
      {
        hint: "Use a new key for a new job.",
        details: { jobId: row.id },
      },
    );
  }

  /**
   * Submits a job whose archive the server holds already.
   *
   * @throws JobctlError `archive_unknown` when it does not
   */
  submitKnown(submission: Submission, context: SubmitContext, inputSha256: string): Submitted {
    const repeated = this.findRepeated(submission, context, inputSha256);
    if (repeated !== null) return { row: repeated, created: false };
    const { store, blobs } = this.#parts;
    const earlier = store.jobs.findByInput(context.tenant, inputSha256);
    if (earlier === null || !blobs.has(inputSha256)) {
      throw archiveUnknown(inputSha256);
    }
    return this.#insert(newRow(submission, context, earlier, this.#parts.settings), submission);
  }

  /** Makes an uploaded archive and its job durable together. Takes over the staged file. */
  async submitUploaded(
    submission: Submission,
    context: SubmitContext,
    archive: StagedArchive,
  ): Promise<Submitted> {
    const { blob, summary } = archive;
    try {
      const repeated = this.findRepeated(submission, context, blob.sha256);
      if (repeated !== null) return { row: repeated, created: false };
      const input = {
        input_sha256: blob.sha256,
        input_size_bytes: blob.sizeBytes,
        input_root: summary.root,
        input_entries: summary.entries,
        input_extracted_bytes: summary.extractedBytes,
      };
      const row = newRow(submission, context, input, this.#parts.settings);
      return await commitWithRow(blob, this.#parts, () => this.#insert(row, submission));
    } finally {
      await blob.discard();
    }
  }

  /** @throws JobctlError `job_not_found` */
  getRow(id: number): JobRow {
    const row = this.#parts.store.jobs.get(id);
    if (row !== null) return row;
    throw new JobctlError("job_not_found", `there is no job ${id}`, {
      hint: "jobctl status lists the jobs that there are.",
      details: { id },
    });
  }

  get(id: number): Job {
    return this.view(this.getRow(id));
  }

  list(query: JobListQuery): { items: Job[]; nextCursor: string | null } {
    const page = this.#parts.store.jobs.list(query, storeClocks(readClocks()));
    return { items: page.rows.map((row) => this.view(row)), nextCursor: page.nextCursor };
  }

  /**
   * The queued jobs, in the order in which they will be considered: a page of them.
   *
   * @param skip how many to leave out
   */
  queue(skip: number, limit: number): { items: Job[]; nextCursor: string | null } {
    const { store, queuePlaces, damageOf } = this.#parts;
    const places = queuePlaces();
    const items: Job[] = [];
    let at = 0;
    for (const [id, place] of places) {
      at += 1;
      if (at <= skip) continue;
      const row = store.jobs.get(id);
      // Of a long queue it may be known only later that it has left it.
      if (row?.status === "queued") items.push(viewJob(row, place, damageOf));
      if (items.length === limit) break;
    }
    return { items, nextCursor: at < places.size ? String(at) : null };
  }

  history(id: number): JobEvent[] {
    this.getRow(id);
    return this.#parts.store.jobs.events(id).map(viewEvent);
  }

  /**
   * Waits until a job is as the caller wants it, or the signal is raised.
   *
   * @returns the job as it is then
   */
  async wait(id: number, enough: (row: JobRow) => boolean, signal: AbortSignal): Promise<Job> {
    let row = this.getRow(id);
    while (!enough(row) && !signal.aborted) {
      await this.#parts.events.next(id, signal);
      row = this.getRow(id);
    }
    return this.view(row);
  }

  /**
   * Asks for a job to be stopped. A queued one is cancelled at once; for a running one the request
   * is noted and passed to its agent. Asking again, or too late, changes nothing.
   */
  cancel(id: number): { job: Job; requested: boolean } {
    const before = this.getRow(id);
    if (isTerminal(before.status)) return { job: this.view(before), requested: false };
    const { store, events, logger } = this.#parts;
    const at = Math.max(wallClock(), store.jobs.lastEventAt(id));
    const row = store.transaction(() => {
      const requested = store.jobs.requestCancel(id, at);
      if (before.status !== "queued") return requested;
      return store.jobs.transition(id, {
        to: "cancelled",
        attempt: before.attempt,
        at,
        set: {
          finished_at: at,
          outcome_reason: "cancelled",
          outcome_message: "cancelled while it was queued",
        },
        reason: "cancelled",
      });
    });
    if (row !== null) {
      logger.info({ event: "job_cancel_requested", jobId: id, status: row.status });
      crashPoint("cancel.requested");
      events.announce(row);
    }
    return { job: this.get(id), requested: true };
  }

  view(row: JobRow): Job {
    const place = row.status === "queued" ? this.#parts.queuePlaces().get(row.id) : undefined;
    return viewJob(row, place, this.#parts.damageOf);
  }

  #insert(row: NewJobRow, submission: Submission): Submitted {
    const { store, events, logger, ids } = this.#parts;
    this.#rate.count();
    const inserted = store.transaction(() => {
      ids.skipGiven();
      const made = store.jobs.insert(row, submission.labels);
      ids.reserve(made.id);
      return made;
    });
    ids.noteGiven(inserted.id);
    crashPoint("submit.committed");
    logger.info({
      event: "job_submitted",
      jobId: inserted.id,
      user: inserted.user,
      service: inserted.service,
      sizeBytes: inserted.input_size_bytes,
    });
    events.announce(inserted);
    return { row: inserted, created: true };
  }
}

export function archiveUnknown(sha256: string): JobctlError {
  return new JobctlError("archive_unknown", `this server does not hold archive ${sha256}`, {
    hint: "Send it with the job, as multipart/form-data.",
  });
}

type InputColumns = Pick<
  NewJobRow,
  "input_sha256" | "input_size_bytes" | "input_root" | "input_entries" | "input_extracted_bytes"
>;

function newRow(
  submission: Submission,
  context: SubmitContext,
  input: InputColumns,
  settings: JobServiceSettings,
): NewJobRow {
  return {
    tenant: context.tenant,
    user: submission.user ?? context.tenant,
    name: submission.name ?? "job",
    service: submission.service,
    env: JSON.stringify(submission.env),
    outputs: JSON.stringify(submission.outputs),
    priority: submission.priority,
    timeout_seconds: submission.timeoutSeconds ?? settings.maxJobSeconds,
    cpus: submission.cpus,
    memory_bytes: submission.memoryBytes,
    requeue: submission.requeue ? 1 : 0,
    retries: submission.retries,
    idempotency_key: context.idempotencyKey,
    request_sha256: requestDigest(submission, input.input_sha256),
    input_sha256: input.input_sha256,
    input_size_bytes: input.input_size_bytes,
    input_root: input.input_root,
    input_entries: input.input_entries,
    input_extracted_bytes: input.input_extracted_bytes,
    submitted_at: wallClock(),
  };
}

/** What makes two submits the same: every option, and the archive; not how it was sent. */
function requestDigest(submission: Submission, inputSha256: string): string {
  const { input: _announced, ...options } = submission;
  const sorted = Object.entries({ ...options, inputSha256 }).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}
