import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

import { answerWithStream, closedSignal, sendFile, type Logger } from "@jobctl/daemon";
import { JobctlError, blobUsersSchema, vacuumReportSchema } from "@jobctl/protocol";
import { z } from "zod";

import type { BlobStore } from "../blobs/blob-store.js";
import { unreadableReason } from "../blobs/unreadable.js";
import type { BlobWatch } from "../maintenance/blob-watch.js";
import type { Backups } from "../maintenance/backups.js";
import type { Vacuum } from "../maintenance/vacuum.js";
import { byteAnswer, type ApiApp } from "./api-app.js";

export interface BackupRoutesParts {
  readonly backups: Backups;
  readonly vacuum: Vacuum;
  readonly blobs: BlobStore;
  readonly watch: BlobWatch;
  readonly logger: Logger;
}

const sessionParams = z.object({ id: z.uuid() });
const blobParams = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });
/** `damaged`: how many blobs could not be copied. */
const completeQuery = z.object({ damaged: z.coerce.number().int().nonnegative().default(0) });
const vacuumQuery = z
  .object({
    olderThanSeconds: z.coerce.number().int().nonnegative().optional(),
    check: z.stringbool().default(false),
    dryRun: z.stringbool().default(false),
  })
  .strict();

/** What a backup consists of: a snapshot of the database, and the blobs that it refers to. */
export function backupRoutes(app: ApiApp, parts: BackupRoutesParts, stopping: AbortSignal): void {
  const { backups, vacuum, blobs, watch, logger } = parts;
  const tags = ["admin"];

  app.post(
    "/v1/admin/backups",
    {
      schema: {
        summary: "Take a snapshot of the database, to be copied while this answer is open",
        description:
          "The first line says what is in the snapshot; empty lines follow for as long as the connection is open. When it is closed the snapshot is forgotten; so it is when the client has asked for nothing and taken nothing for half an hour.",
        tags,
        response: byteAnswer("JSON lines", "application/x-ndjson"),
      },
    },
    async (_request, reply) => {
      // Its client may go away while the snapshot is prepared.
      const closed = closedSignal(reply, stopping);
      const session = await backups.begin();
      const headers = { "content-type": "application/x-ndjson" };
      try {
        if (closed.aborted) return;
        await answerWithStream(reply, { headers, body: backups.heldOpen(session, closed) }, logger);
      } finally {
        await backups.end(session.id);
      }
    },
  );

  app.get(
    "/v1/admin/backups/:id/database",
    {
      schema: {
        summary: "The snapshot; supports Range",
        tags,
        params: sessionParams,
        response: byteAnswer("A SQLite database", "application/vnd.sqlite3"),
      },
    },
    async (request, reply) => {
      const { session, database } = backups.files(request.params.id);
      const file = {
        read: (start: number, end: number) =>
          backups.watched(createReadStream(database, { start, end })),
        sizeBytes: session.database.sizeBytes,
        etag: session.database.sha256,
        contentType: "application/vnd.sqlite3",
      };
      await sendFile(request, reply, file, logger);
    },
  );

  app.get(
    "/v1/admin/backups/:id/blobs",
    {
      schema: {
        summary: "The blobs that the snapshot refers to, one JSON object a line",
        tags,
        params: sessionParams,
        response: byteAnswer("Lines with sha256 and sizeBytes", "application/x-ndjson"),
      },
    },
    async (request, reply) => {
      const { blobList } = backups.files(request.params.id);
      const { size } = await stat(blobList);
      const file = {
        path: blobList,
        sizeBytes: size,
        etag: null,
        contentType: "application/x-ndjson",
      };
      await sendFile(request, reply, file, logger);
    },
  );

  app.post(
    "/v1/admin/backups/:id/complete",
    {
      schema: {
        summary: "Say that everything has been copied: the time is kept, and alerted on",
        tags,
        params: sessionParams,
        querystring: completeQuery,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      backups.complete(request.params.id, request.query.damaged);
      return reply.code(204).send(null);
    },
  );

  app.get(
    "/v1/admin/blobs/:sha256",
    {
      schema: {
        summary: "A blob by its digest; cut before the first byte that is not what it was",
        tags,
        params: blobParams,
        response: byteAnswer("The file"),
      },
    },
    async (request, reply) => {
      const { sha256 } = request.params;
      backups.noteProgress();
      // Said before anything is sent, so that a copy that was cut knows why the next time.
      if (watch.isDamaged(sha256)) await blobs.readThrough(sha256).catch(stillUnreadable);
      await blobs.withBlob(sha256, async (blob) => {
        const file = {
          read: (start: number, end: number) => backups.watched(blob.stream(start, end)),
          sizeBytes: blob.sizeBytes,
          etag: sha256,
          contentType: "application/octet-stream",
        };
        await sendFile(request, reply, file, logger);
      });
    },
  );

  app.get(
    "/v1/admin/blobs/:sha256/jobs",
    {
      schema: {
        summary: "The jobs that refer to a blob",
        tags,
        params: blobParams,
        response: { 200: blobUsersSchema },
      },
    },
    async (request) => ({
      schema: "jobctl.blob-users/v1" as const,
      items: watch.usersOf(request.params.sha256),
      nextCursor: null,
    }),
  );

  app.post(
    "/v1/admin/vacuum",
    {
      schema: {
        summary: "Check the database, remove the rows of old jobs, and give free space back",
        tags,
        querystring: vacuumQuery,
        response: { 200: vacuumReportSchema },
      },
    },
    async (request) => {
      const { olderThanSeconds = null, check: checkOnly, dryRun } = request.query;
      return vacuum.run({ olderThanSeconds, checkOnly, dryRun }, stopping);
    },
  );
}

/** What could not be read the last time either is left out of a backup, as what has changed is. */
function stillUnreadable(error: unknown): never {
  const isUnreadable =
    error instanceof JobctlError && unreadableReason({ code: error.details?.["code"] }) !== null;
  if (!isUnreadable) throw error;
  throw new JobctlError("blob_damaged", error.message, { hint: error.hint ?? "", cause: error });
}
