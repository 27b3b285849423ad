import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

import type { JobctlError } from "@jobctl/protocol";

/** Time for the client to read the answer before the connection is cut. */
const LINGER_MS = 1000;

/** The body of an answer that is not a success. */
export function errorAnswer(error: JobctlError): object {
  const body =
    error.code === "internal"
      ? { ...error.toBody(), message: "something went wrong inside jobctl" }
      : error.toBody();
  return { schema: "jobctl.error/v1", error: body };
}

/**
 * Answers on a connection that has no request to answer to, such as one whose bytes are not HTTP, and
 * closes it. Does nothing when it is closed already.
 */
export function refuseOnSocket(socket: Duplex, error: JobctlError): void {
  if (socket.destroyed || socket.writableEnded) return;
  const body = JSON.stringify(errorAnswer(error));
  socket.on("error", () => {});
  socket.end(
    [
      `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ""}`,
      "content-type: application/json; charset=utf-8",
      `content-length: ${Buffer.byteLength(body)}`,
      ...(error.retryAfterSeconds === null ? [] : [`retry-after: ${error.retryAfterSeconds}`]),
      "connection: close",
      "",
      body,
    ].join("\r\n"),
  );
  // What still arrives is thrown away: a connection that is closed with unread bytes is reset, and the
  // answer with it.
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
