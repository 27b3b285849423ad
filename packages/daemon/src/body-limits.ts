import type { IncomingMessage, ServerResponse } from "node:http";

import { JobctlError } from "@jobctl/protocol";
import type { FastifyInstance } from "fastify";

import { refuseOnSocket } from "./refuse-on-socket.js";

/** Time without a byte of a body that is not complete after which its request has failed. */
const BODY_STALL_MS = 120_000;
/** Time for the rest of a body whose request has been answered: many clients send it all first. */
const DISCARD_MS = 60_000;

/**
 * Bounds how long the bodies of requests hold a connection: one that stalls is answered with 408, and
 * what is left of one that has been refused is thrown away for a while, then cut.
 */
export function limitBodies(app: FastifyInstance, stallMs: number = BODY_STALL_MS): void {
  app.addHook("onRequest", async ({ raw }, reply) => {
    if (hasBody(raw)) watchForStalls(raw, reply.raw, stallMs);
  });
  app.addHook("onResponse", async ({ raw }) => {
    if (raw.complete || !hasBody(raw)) return;
    const timer = setTimeout(() => raw.socket.destroy(), DISCARD_MS).unref();
    raw.once("close", () => clearTimeout(timer));
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  const { "content-length": length = "0", "transfer-encoding": encoding } = headers;
  return encoding !== undefined || length !== "0";
}

function watchForStalls(request: IncomingMessage, response: ServerResponse, stallMs: number): void {
  const { socket } = request;
  let timer: NodeJS.Timeout;
  const watch = (seenBytes: number): void => {
    timer = setTimeout(() => {
      if (request.complete) return;
      // With bytes that nobody has read yet it is this side that is slow.
      const hasStalled = socket.bytesRead === seenBytes && request.readableLength === 0;
      if (!hasStalled) watch(socket.bytesRead);
      else if (response.headersSent) socket.destroy();
      else refuseOnSocket(socket, stalled(stallMs));
    }, stallMs).unref();
  };
  watch(socket.bytesRead);
  request.once("close", () => clearTimeout(timer));
}

function stalled(stallMs: number): JobctlError {
  return new JobctlError(
    "request_timeout",
    `no byte of the request's body arrived for ${stallMs / 1000} s`,
  );
}
