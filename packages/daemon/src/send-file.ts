import { createReadStream } from "node:fs";

import { JobctlError } from "@jobctl/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";

import { answerWithStream } from "./http.js";
import type { Logger } from "./logger.js";
import { parseRange } from "./range.js";

export interface FileAnswer {
  readonly path: string;
  /** Where in the file the content begins; 0 for the whole file. */
  readonly offset?: number;
  readonly sizeBytes: number;
  /** Strong validator, without quotes: for immutable content its digest. */
  readonly etag: string | null;
  readonly contentType: string;
  readonly filename?: string;
}

/**
 * Sends a file, or a slice of one, with `Range`, `If-Range`, `If-None-Match` and HEAD.
 *
 * @throws JobctlError `range_not_satisfiable`
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: FileAnswer,
  logger: Logger,
): Promise<void> {
  const etag = file.etag === null ? null : `"${file.etag}"`;
  if (etag !== null && request.headers["if-none-match"] === etag) {
    await reply.code(304).header("etag", etag).send();
    return;
  }
  const ifRange = request.headers["if-range"];
  const rangeHeader = ifRange === undefined || ifRange === etag ? request.headers.range : undefined;
  const range = parseRange(rangeHeader, file.sizeBytes);
  if (range === "unsatisfiable") {
    reply.header("content-range", `bytes */${file.sizeBytes}`);
    throw new JobctlError(
      "range_not_satisfiable",
      `the range ${rangeHeader} lies outside of the ${file.sizeBytes} bytes`,
    );
  }
  const { start, end } = range ?? { start: 0, end: file.sizeBytes - 1 };
  const headers = {
    "content-type": file.contentType,
    "content-length": end - start + 1,
    "accept-ranges": "bytes",
    ...(etag === null ? {} : { etag }),
    ...(range === null ? {} : { "content-range": `bytes ${start}-${end}/${file.sizeBytes}` }),
    ...(file.filename === undefined
      ? {}
      : { "content-disposition": `attachment; filename="${file.filename}"` }),
  };
  const from = file.offset ?? 0;
  const body =
    request.method === "HEAD" || end < start
      ? nothing()
      : createReadStream(file.path, {
          start: from + start,
          end: from + end,
          highWaterMark: 256 * 1024,
        });
  await answerWithStream(reply, { status: range === null ? 200 : 206, headers, body }, logger);
}

async function* nothing(): AsyncGenerator<Buffer> {}
