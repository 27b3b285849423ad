import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";

import { JobctlError } from "@jobctl/protocol";

import type { ConnectionLimit } from "./connection-limit.js";
import { refuseOnSocket } from "./refuse-on-socket.js";

/** Time for the request line and the headers. */
const HEADERS_MS = 60_000;
/** Longer than proxies keep theirs, so that a proxy never sends a request on one that is being closed. */
const KEEP_ALIVE_MS = 72_000;

export interface HttpServerSettings {
  readonly maxHeaderBytes: number;
  /** Without it an address may have any number of connections. */
  readonly connections?: ConnectionLimit | undefined;
}

/**
 * Node's HTTP server, with what it answers by itself in the schema of our errors. Requests have no time
 * limit as a whole: uploads take as long as they take, and only one that stalls is ended.
 */
export function createHttpServer(
  handler: RequestListener,
  { maxHeaderBytes, connections }: HttpServerSettings,
): Server {
  const server = createServer(
    // A request without a host is refused by the application, with a body.
    { maxHeaderSize: maxHeaderBytes, headersTimeout: HEADERS_MS, requireHostHeader: false },
    handler,
  );
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.requestTimeout = 0;
  server.headersTimeout = HEADERS_MS;
  if (connections !== undefined) limitConnections(server, connections);
  const last = new WeakMap<Socket, { request: IncomingMessage; response: ServerResponse }>();
  server.on("request", (request, response) => {
    last.set(request.socket, { request, response });
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const { request, response } = last.get(socket) ?? {};
    // An answer that has begun cannot be followed by another one.
    const isAnswered = request?.complete === false && response?.headersSent === true;
    if (error.code === "ECONNRESET" || isAnswered) socket.destroy();
    else refuseOnSocket(socket, problemOf(error));
  });
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader("connection", "close");
    request.resume();
    const error = new JobctlError(
      "expectation_failed",
      `the header "expect" asks for ${JSON.stringify(request.headers.expect?.slice(0, 100))}`,
      { hint: "Only 100-continue is known." },
    );
    refuseOnSocket(request.socket, error);
  });
  server.on("connect", (_request: IncomingMessage, socket: Socket) => {
    refuseOnSocket(
      socket,
      new JobctlError("method_not_allowed", "this is no proxy: CONNECT is not supported"),
    );
  });
  return server;
}

/** A connection that is refused never reaches the HTTP parser, so nothing on it can be a request. */
function limitConnections(server: Server, connections: ConnectionLimit): void {
  const serve = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    if (!connections.admit(socket)) return;
    for (const listener of serve) listener.call(server, socket);
  });
}

/** What Node's parser refuses, in our words. */
function problemOf(error: NodeJS.ErrnoException): JobctlError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return new JobctlError("headers_too_large", "the request line and headers are too long");
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return new JobctlError("body_too_large", "the chunk extensions of the body are too long");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new JobctlError("request_timeout", "the headers did not arrive in time");
    default: {
      const { reason } = error as { reason?: unknown };
      const detail = typeof reason === "string" ? `: ${reason.toLowerCase()}` : "";
      return new JobctlError("invalid_request", `the request is not valid HTTP/1.1${detail}`, {
        hint: "This is plain HTTP; a proxy in front of it does TLS and HTTP/2.",
      });
    }
  }
}
