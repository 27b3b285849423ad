import { createReadStream } from "node:fs";

import { JobctlError } from "@jobctl/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";

import { answerWithStream } from "./http.js";
import type { Logger } from "./logger.js";
import { parseRange } from "./range.js";

/** Where a file lies, or what gives its bytes from `start` to `end`, both included. */
type FileSource =
  | { readonly path: string }
  | { readonly read: (start: number, end: number) => AsyncIterable<Buffer> };

export type FileAnswer = FileSource & {
  /** Where in the file the content begins; 0 for the whole file. */
  readonly offset?: number;
  readonly sizeBytes: number;
  /** Strong validator, without quotes: for immutable content its digest. */
  readonly etag: string | null;
  readonly contentType: string;
  readonly filename?: string;
};

/**
 * Sends a file, or a slice of one, with `Range`, `If-Range`, `If-None-Match` and HEAD. Its first bytes are
 * read before the headers leave, so that a file that cannot be read is an error and not a broken answer.
 *
 * @throws JobctlError `range_not_satisfiable`, `file_system` when a file cannot be read, or what a source
 *   throws for its first bytes
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
      : await begun(read(file, from + start, from + end));
  await answerWithStream(reply, { status: range === null ? 200 : 206, headers, body }, logger);
}

function read(source: FileSource, start: number, end: number): AsyncIterable<Buffer> {
  if ("read" in source) return source.read(start, end);
  return readFile(source.path, start, end);
}

/** @throws JobctlError `file_system` */
async function* readFile(path: string, start: number, end: number): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { start, end, highWaterMark: 256 * 1024 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new JobctlError("file_system", `a file cannot be read: ${code}`, { cause: error });
  }
}

/** Reads the first piece of a stream, and gives it back as a stream that begins with it. */
async function begun(source: AsyncIterable<Buffer>): Promise<AsyncIterable<Buffer>> {
  const pieces = source[Symbol.asyncIterator]();
  const first = await pieces.next();
  return startingWith(first, pieces);
}

async function* startingWith(
  first: IteratorResult<Buffer>,
  rest: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

async function* nothing(): AsyncGenerator<Buffer> {}
