import { randomUUID } from "node:crypto";

import type { Job, SubmissionInput } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";

import { text, type ApiClient } from "./api-client.js";
import type { JobSource } from "./pack-job.js";

export interface SubmitCall {
  readonly client: ApiClient;
  readonly signal: AbortSignal;
  /** Repeated with every try, so that however often it is sent there is one job. */
  readonly idempotencyKey: string;
  /** Called when the archive has to be sent. */
  readonly onUpload: (totalBytes: number) => void;
  readonly onBytes: (bytes: number) => void;
}

export interface SubmittedJob {
  readonly job: Job;
  readonly created: boolean;
  readonly archiveSent: boolean;
}

type Answer = Job & { created: boolean };

/**
 * Submits a job. The server is asked first, by the archive's digest and size: it may hold the
 * archive already, and what it will not take it refuses before anything has been sent.
 *
 * @throws JobctlError the server's, or `server_unreachable`
 */
export async function submitJob(
  source: JobSource,
  options: SubmissionInput,
  call: SubmitCall,
): Promise<SubmittedJob> {
  const submission = { ...options, input: { sizeBytes: source.sizeBytes, sha256: source.sha256 } };
  const headers = { "idempotency-key": call.idempotencyKey };
  try {
    const { created, ...job } = await call.client.json<Answer>("/v1/jobs", {
      method: "POST",
      json: submission,
      headers,
      signal: call.signal,
    });
    return { job, created, archiveSent: false };
  } catch (error) {
    if (!(error instanceof JobctlError) || error.code !== "archive_unknown") throw error;
  }
  call.onUpload(source.sizeBytes);
  const form = new Form(submission, source.sizeBytes);
  const answer = await call.client.send("/v1/jobs", {
    method: "POST",
    headers: { ...headers, ...form.headers },
    body: () => form.body(source.open(), call.onBytes),
    signal: call.signal,
  });
  const { created, ...job } = JSON.parse(await text(answer.body)) as Answer;
  return { job, created, archiveSent: true };
}

/** A multipart/form-data body whose length is known before the archive is read. */
class Form {
  readonly #boundary = `jobctl-${randomUUID()}`;
  readonly #before: Buffer;
  readonly #after: Buffer;
  readonly #archiveBytes: number;

  constructor(submission: SubmissionInput, archiveBytes: number) {
    this.#archiveBytes = archiveBytes;
    this.#before = Buffer.from(
      [
        `--${this.#boundary}`,
        'Content-Disposition: form-data; name="job"',
        "",
        JSON.stringify(submission),
        `--${this.#boundary}`,
        'Content-Disposition: form-data; name="archive"; filename="job.tar"',
        "Content-Type: application/x-tar",
        "",
        "",
      ].join("\r\n"),
    );
    this.#after = Buffer.from(`\r\n--${this.#boundary}--\r\n`);
  }

  get headers(): Record<string, string> {
    return {
      "content-type": `multipart/form-data; boundary=${this.#boundary}`,
      "content-length": String(this.#before.length + this.#archiveBytes + this.#after.length),
    };
  }

  async *body(
    archive: AsyncIterable<Buffer>,
    onBytes: (bytes: number) => void,
  ): AsyncGenerator<Buffer> {
    yield this.#before;
    let sent = 0;
    for await (const chunk of archive) {
      sent += chunk.length;
      if (sent > this.#archiveBytes) break;
      onBytes(chunk.length);
      yield chunk;
    }
    if (sent !== this.#archiveBytes) {
      throw new JobctlError(
        "archive_digest_mismatch",
        "the files changed while they were being sent",
        {
          hint: "Submit again when nothing writes to them.",
        },
      );
    }
    yield this.#after;
  }
}
