import type { IncomingMessage } from "node:http";

import type { MultipartFile } from "@fastify/multipart";
import fastifyMultipart from "@fastify/multipart";
import {
  JobctlError,
  jobAnswerSchema,
  parseRequest,
  submissionSchema,
  type Submission,
} from "@jobctl/protocol";
import type { FastifyRequest } from "fastify";
import { z } from "zod";

import {
  checkAnnouncedSize,
  takeInArchive,
  type IntakeLimits,
  type StagedArchive,
} from "../blobs/archive-intake.js";
import type { BlobStore } from "../blobs/blob-store.js";
import {
  archiveUnknown,
  type JobService,
  type SubmitContext,
  type Submitted,
} from "../jobs/job-service.js";
import type { ApiApp } from "./api-app.js";

const MAX_OPTIONS_BYTES = 256 * 1024;
/** What the plugin answers to a form with more parts than the limits. */
const FORM_LIMIT_STATUS = 413;

export interface SubmitParts {
  readonly jobs: JobService;
  readonly blobs: BlobStore;
  readonly limits: IntakeLimits;
}

const submitAnswerSchema = jobAnswerSchema.extend({ created: z.boolean() });

/**
 * `POST /v1/jobs`, in two forms. As JSON it names an archive that the server may hold already
 * (404 `archive_unknown` if not). As multipart/form-data it brings it along: a field `job` with the
 * same JSON, then a file `archive`.
 */
export function submitRoute(app: ApiApp, parts: SubmitParts): void {
  void app.register(fastifyMultipart, {
    // The plugin drops a field that says that it is JSON and is none. As streams all parts are read here.
    isPartAFile: () => true,
    limits: { files: 2, fields: 0, parts: 2, headerPairs: 20, fileSize: Infinity },
  });
  app.post(
    "/v1/jobs",
    {
      schema: {
        summary: "Submit a job",
        description:
          "JSON for an archive that the server holds already; multipart/form-data with a field `job` (the same JSON) and then a file `archive` (tar or gzipped tar) otherwise. 200 instead of 201 when the idempotency key has been used for the same submit before.",
        tags: ["jobs"],
        headers: z.object({ "idempotency-key": z.string().min(1).max(255).optional() }),
        consumes: ["application/json", "multipart/form-data"],
        response: { 200: submitAnswerSchema, 201: submitAnswerSchema },
      },
    },
    async (request, reply) => {
      const context = {
        tenant: "default",
        idempotencyKey: request.headers["idempotency-key"] ?? null,
      };
      const { row, created } = request.isMultipart()
        ? await restDiscardedOnFailure(request, () => submitWithArchive(request, context, parts))
        : await submitByDigest(parseSubmission(request.body), context, parts);
      return reply
        .code(created ? 201 : 200)
        .header("location", `/v1/jobs/${row.id}`)
        .send({ schema: "jobctl.job/v1" as const, ...parts.jobs.view(row), created });
    },
  );
}

/** What is left of a refused upload is read and thrown away, or its connection would never be free. */
async function restDiscardedOnFailure<T>(
  request: FastifyRequest,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    request.raw.unpipe();
    request.raw.resume();
    throw error;
  }
}

async function submitByDigest(
  submission: Submission,
  context: SubmitContext,
  parts: SubmitParts,
): Promise<Submitted> {
  if (submission.input === undefined) {
    throw new JobctlError(
      "invalid_request",
      "input: the SHA-256 and the size of the archive are missing",
      {
        hint: "Name an archive that the server holds, or send one as multipart/form-data.",
      },
    );
  }
  parts.jobs.checkSubmission(submission);
  checkAnnouncedSize(submission.input, parts.limits.maxUploadBytes);
  const { sha256 } = submission.input;
  // One that has been damaged is sent again, and takes its place.
  if (parts.blobs.has(sha256) && !(await parts.blobs.isIntact(sha256)))
    throw archiveUnknown(sha256);
  return parts.jobs.submitKnown(submission, context, sha256);
}

async function submitWithArchive(
  request: FastifyRequest,
  context: SubmitContext,
  parts: SubmitParts,
): Promise<Submitted> {
  const { jobs, blobs, limits } = parts;
  const form = readForm(request.files());
  let submission: Submission | null = null;
  // Not a loop of `for await`: leaving one waits for a next part, which never comes from a client that has left.
  for (let next = await form.next(); next.done !== true; next = await form.next()) {
    const part = next.value;
    if (part.fieldname === "job" && submission === null) {
      submission = await readOptions(part);
      jobs.checkSubmission(submission);
      checkAnnouncedSize(submission.input, limits.maxUploadBytes);
      await blobs.checkFreeSpace(submission.input?.sizeBytes ?? 0);
      continue;
    }
    const archive = archiveOf(part);
    const options = submission ?? parseSubmission({});
    if (submission === null) jobs.checkSubmission(options);
    const staged = await takeInArchive(blobs, archive, limits, options.input);
    if (submission === null) await discardUnlessLast(staged, form, request.raw);
    return jobs.submitUploaded(options, context, staged);
  }
  throw new JobctlError("invalid_request", "archive: the form has no file of this name");
}

/**
 * An archive that comes first is a job without options, unless they follow: they would be lost.
 *
 * @throws JobctlError `invalid_request`, also when the client leaves; then nothing is left of the upload
 */
async function discardUnlessLast(
  { blob }: StagedArchive,
  form: AsyncIterator<MultipartFile>,
  request: IncomingMessage,
): Promise<void> {
  try {
    const next = await Promise.race([form.next(), untilClientLeaves(request)]);
    if (next.done === true) return;
    throw new JobctlError(
      "invalid_request",
      `${next.value.fieldname}: this part comes after the archive, where nothing is read any more`,
      { hint: 'Send the field "job" first, and then the file "archive", each once.' },
    );
  } catch (error) {
    await blob.discard();
    throw error;
  }
}

/** @throws JobctlError `invalid_request` when the connection ends before the request does */
async function untilClientLeaves(request: IncomingMessage): Promise<never> {
  return new Promise((_, reject) => {
    const onClose = (): void => {
      if (!request.complete)
        reject(new JobctlError("invalid_request", "the client left before the end of the form"));
    };
    if (request.destroyed) onClose();
    request.once("close", onClose);
  });
}

/** @throws JobctlError `invalid_request` when what was sent is no form, or not all of one */
async function* readForm<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* source;
  } catch (error) {
    const { message, statusCode } = error as { message: string; statusCode?: number };
    if (statusCode !== undefined && statusCode !== FORM_LIMIT_STATUS) throw error;
    throw new JobctlError("invalid_request", `the form is broken: ${message}`, { cause: error });
  }
}

/** @throws JobctlError `invalid_request`, `body_too_large` */
async function readOptions(part: MultipartFile): Promise<Submission> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of readForm(part.file as AsyncIterable<Buffer>)) {
    pieces.push(piece);
    sizeBytes += piece.length;
    if (sizeBytes > MAX_OPTIONS_BYTES) {
      throw new JobctlError(
        "body_too_large",
        `job: the field has more than ${MAX_OPTIONS_BYTES} bytes`,
      );
    }
  }
  let json: unknown;
  try {
    json = JSON.parse(Buffer.concat(pieces).toString("utf8"));
  } catch (error) {
    throw new JobctlError("invalid_request", "job: the field is not valid JSON", { cause: error });
  }
  return parseSubmission(json);
}

function archiveOf(part: MultipartFile): AsyncIterable<Buffer> {
  if (part.fieldname === "archive") return readForm(part.file as AsyncIterable<Buffer>);
  throw new JobctlError(
    "invalid_request",
    `${part.fieldname}: the form has a field "job" and then a file "archive", each once`,
  );
}

function parseSubmission(json: unknown): Submission {
  return parseRequest(submissionSchema, json ?? {}, "the job");
}
