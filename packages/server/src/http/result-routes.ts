import { Readable } from "node:stream";

import { findInTar, indexTar, type IndexedEntry } from "@jobctl/archive";
import { answerWithStream, closedSignal, sendFile, type Logger } from "@jobctl/daemon";
import {
  JobctlError,
  attemptId,
  fileListSchema,
  isTerminal,
  type ResultFile,
} from "@jobctl/protocol";
import type { FastifyReply } from "fastify";
import { z } from "zod";

import type { AgentRegistry } from "../agents/agent-registry.js";
import type { BlobStore } from "../blobs/blob-store.js";
import type { StoredBlob } from "../blobs/stored-blob.js";
import type { JobService } from "../jobs/job-service.js";
import type { JobRow } from "../store/job-row.js";
import { byteAnswer, type ApiApp } from "./api-app.js";
import { jobParams } from "./job-routes.js";

export interface ResultParts {
  readonly jobs: JobService;
  readonly blobs: BlobStore;
  readonly registry: AgentRegistry;
  readonly logger: Logger;
}

/** What a job has left: the whole archive, a listing, one file; and the workspace of a running one. */
export function resultRoutes(app: ApiApp, parts: ResultParts): void {
  const { jobs, blobs, registry, logger } = parts;

  app.get(
    "/v1/jobs/:id/result",
    {
      exposeHeadRoute: true,
      schema: {
        summary: "The result archive; supports Range, the ETag is its SHA-256",
        tags: ["results"],
        params: jobParams,
        response: byteAnswer("A plain tar archive", "application/x-tar"),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { digest, sizeBytes } = resultOf(jobs.getRow(id), blobs);
      await blobs.withBlob(digest, async (blob) => {
        const file = {
          read: (start: number, end: number) => blob.stream(start, end),
          sizeBytes,
          etag: digest,
          contentType: "application/x-tar",
          filename: `job-${id}.tar`,
        };
        await sendFile(request, reply, file, logger);
      });
    },
  );

  app.get(
    "/v1/jobs/:id/files",
    {
      schema: {
        summary: "The files in a result, as a stream",
        tags: ["results"],
        params: jobParams,
        response: { 200: fileListSchema },
      },
    },
    async (request, reply) => {
      const { digest } = resultOf(jobs.getRow(request.params.id), blobs);
      const listing = fileList(await blobs.open(digest), closedSignal(reply));
      // The first page is made before the headers leave, so that a damaged result is an error.
      const first = await listing.next();
      const body = Readable.from(startingWith(first, listing));
      return (reply as FastifyReply).type("application/json; charset=utf-8").send(body);
    },
  );

  app.get(
    "/v1/jobs/:id/files/*",
    {
      schema: {
        summary: "One file of a result",
        tags: ["results"],
        params: jobParams.extend({ "*": z.string() }),
        response: byteAnswer("The content of the file"),
      },
    },
    async (request, reply) => {
      const { id, "*": wanted } = request.params;
      const { digest } = resultOf(jobs.getRow(id), blobs);
      await blobs.withBlob(digest, async (blob) => {
        const entry = await findInTar(blob, wanted, closedSignal(reply));
        if (entry?.type !== "file") {
          throw new JobctlError(
            "file_not_found",
            entry === null
              ? `the result of job ${id} has no ${JSON.stringify(wanted)}`
              : `${JSON.stringify(wanted)} is a ${entry.type}`,
            { hint: `GET /v1/jobs/${id}/files lists what there is.` },
          );
        }
        const answer = {
          read: (start: number, end: number) => blob.stream(start, end),
          offset: entry.offset,
          sizeBytes: entry.sizeBytes,
          etag: null,
          contentType: "application/octet-stream",
        };
        await sendFile(request, reply, answer, logger);
      });
    },
  );

  app.get(
    "/v1/jobs/:id/workspace",
    {
      schema: {
        summary: "The workspace of a running job as it is now",
        tags: ["results"],
        params: jobParams,
        response: byteAnswer("A plain tar archive", "application/x-tar"),
      },
    },
    async (request, reply) => {
      const row = jobs.getRow(request.params.id);
      const link = row.status === "running" ? registry.byName(row.agent) : null;
      if (link === null) {
        throw new JobctlError(
          "job_not_running",
          `job ${row.id} is ${row.status}: it has no workspace on an agent`,
          {
            hint: isTerminal(row.status)
              ? "Its result is complete: download that."
              : "Try again when it runs.",
          },
        );
      }
      const body = await link.client.getWorkspace(
        attemptId(row.id, row.attempt),
        closedSignal(reply),
      );
      const headers = { "content-type": "application/x-tar" };
      await answerWithStream(reply, { headers, body: body as AsyncIterable<Buffer> }, logger);
    },
  );
}

/** @throws JobctlError `job_not_finished`, `result_missing`, `file_system` when the volume of the blobs is away */
function resultOf(row: JobRow, blobs: BlobStore): { digest: string; sizeBytes: number } {
  if (!isTerminal(row.status)) {
    throw new JobctlError(
      "job_not_finished",
      `job ${row.id} is ${row.status}: it has no result yet`,
      {
        hint: `jobctl wait ${row.id} waits for it; jobctl download ${row.id} --partial fetches what there is.`,
      },
    );
  }
  const digest = row.result_sha256;
  if (digest === null)
    throw new JobctlError(
      "result_missing",
      `job ${row.id} (${row.status}) left no result: it never ran`,
    );
  if (!blobs.has(digest)) {
    blobs.requireVolume();
    throw new JobctlError("result_missing", `the result of job ${row.id} is no longer stored`, {
      hint: `Tell the operator, who can put it back: jobctl restore BACKUP/latest --data DIR --blob ${digest}.`,
      details: { sha256: digest },
    });
  }
  return { digest, sizeBytes: row.result_size_bytes ?? 0 };
}

/** Entries that are in memory at once while a result is listed. */
const LIST_PAGE = 1000;

/** The listing as JSON text, a page at a time; it ends where the client leaves, and closes the blob. */
async function* fileList(blob: StoredBlob, signal: AbortSignal): AsyncGenerator<string> {
  try {
    let text = '{"schema":"jobctl.files/v1","items":[';
    let entries = 0;
    for await (const entry of indexTar(blob, signal)) {
      text += `${entries === 0 ? "" : ","}${JSON.stringify(viewFile(entry))}`;
      entries += 1;
      if (entries % LIST_PAGE > 0) continue;
      yield text;
      text = "";
    }
    yield `${text}],"nextCursor":null}`;
  } finally {
    await blob.close();
  }
}

async function* startingWith<T>(
  first: IteratorResult<T>,
  rest: AsyncGenerator<T>,
): AsyncGenerator<T> {
  try {
    if (first.done !== true) yield first.value;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

function viewFile(entry: IndexedEntry): ResultFile {
  return {
    path: entry.path,
    type: entry.type,
    sizeBytes: entry.sizeBytes,
    mode: entry.mode.toString(8).padStart(4, "0"),
    modifiedAt: entry.modifiedAt?.toISOString() ?? null,
    linkTarget: entry.linkTarget,
  };
}
