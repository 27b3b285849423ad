import { randomUUID } from "node:crypto";
import { pipeline } from "node:stream/promises";

import { JobctlError, toJobctlError, type ErrorCode } from "@jobctl/protocol";
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";

import { limitBodies } from "./body-limits.js";
import type { ConnectionLimit } from "./connection-limit.js";
import { createHttpServer } from "./http-server.js";
import type { Logger } from "./logger.js";
import { errorAnswer } from "./refuse-on-socket.js";
import { RouteTable } from "./route-table.js";

/** What a daemon says while it goes down or stands by: no fault of anybody's. */
const ON_PURPOSE: ReadonlySet<string> = new Set(["draining", "standby"]);

export interface HttpSettings {
  readonly logger: Logger;
  /** The attempt's specification travels in a header, with the job's environment in it. */
  readonly maxHeaderBytes: number;
  /** What closing does to requests that are under way. */
  readonly onClose: "cut" | "wait";
  /** Addresses of proxies whose word on a client's address is taken. */
  readonly trustedProxies?: readonly string[];
  /** Without it an address may have any number of connections. */
  readonly connections?: ConnectionLimit;
}

/**
 * A fastify application with the project's conventions: every answer that is not a success has
 * the body of `jobctl.error/v1`, every request has an id, and faults of ours are logged with it,
 * once, here.
 */
export function createHttpApp(settings: HttpSettings): FastifyInstance {
  const { logger } = settings;
  const app = fastify({
    serverFactory: (handler) => createHttpServer(handler, settings),
    // The server's own handler does that.
    clientErrorHandler: () => {},
    frameworkErrors: (thrown, _request, reply) => {
      void sendError(reply, fromFastify(thrown));
    },
    genReqId: ({ headers }) => requestIdOf(headers["x-request-id"]),
    requestIdHeader: false,
    trustProxy: [...(settings.trustedProxies ?? [])],
    // Who closes says so in an answer of ours.
    return503OnClosing: false,
    forceCloseConnections: settings.onClose === "cut" ? true : "idle",
  });
  // Nothing here takes text: without its parser it is refused as what it is.
  app.removeContentTypeParser("text/plain");
  app.setErrorHandler((thrown, request, reply) => {
    const error = fromFastify(thrown);
    if (error.status >= 500) logFailure(request, error, thrown);
    return sendError(reply, error);
  });

  function logFailure(request: FastifyRequest, error: JobctlError, thrown: unknown): void {
    const route = request.routeOptions.url ?? null;
    const { id } = (request.params ?? {}) as { id?: unknown };
    const facts = {
      event: "request_failed",
      requestId: request.id,
      ...idsOf(route, id),
      method: request.method,
      route,
      url: request.url,
    };
    if (ON_PURPOSE.has(error.code)) logger.info({ ...facts, code: error.code }, error.message);
    else logger.error({ ...facts, err: thrown }, error.message);
  }

  const routes = new RouteTable(app);
  app.setNotFoundHandler((request, reply) => {
    const methods = routes.methodsOf(request.url);
    if (methods.length === 0) {
      const missing = `there is no ${request.method} ${request.url} here`;
      return sendError(reply, new JobctlError("route_not_found", missing));
    }
    const allow = methods.join(", ");
    const message = `${request.method} is not possible here; ${allow} is`;
    return sendError(reply.header("allow", allow), new JobctlError("method_not_allowed", message));
  });
  app.addHook("onRequest", async ({ raw }) => {
    if (raw.httpVersion === "1.1" && raw.headers.host === undefined)
      throw new JobctlError("invalid_request", "the request has no host header");
  });
  limitBodies(app);
  return app;
}

/** What a client calls its request, when that can stand in a log line; otherwise an id of ours. */
function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === "string" && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** Which job, and which attempt at it, a request is about. */
function idsOf(route: string | null, id: unknown): { jobId?: number; attempt?: number } {
  if (id === undefined || !/^\/v1\/(jobs|attempts)\//.test(route ?? "")) return {};
  const [job, attempt] = String(id).split(".").map(Number);
  return { ...(job ? { jobId: job } : {}), ...(attempt ? { attempt } : {}) };
}

function sendError(reply: FastifyReply, error: JobctlError): FastifyReply {
  // Whoever tries again is to find whoever answers then.
  if (ON_PURPOSE.has(error.code)) reply.header("connection", "close");
  if (error.retryAfterSeconds !== null) reply.header("retry-after", error.retryAfterSeconds);
  return reply
    .code(error.status)
    .type("application/json; charset=utf-8")
    .serializer(JSON.stringify)
    .send(errorAnswer(error));
}

/** Fastify's refusals that have a code of ours, by their status; the others are invalid requests. */
const FRAMEWORK_CODES: Readonly<Record<number, ErrorCode>> = {
  413: "body_too_large",
  414: "uri_too_long",
  415: "unsupported_media_type",
};

/** Fastify's own refusals, and a schema's, in our words. */
function fromFastify(thrown: unknown): JobctlError {
  const { code, statusCode, validation, message } = thrown as {
    code?: string;
    statusCode?: number;
    message?: string;
    validation?: readonly { instancePath?: string; message?: string }[];
  };
  if (validation !== undefined) {
    const fields = validation.map(({ instancePath = "", message: problem = "" }) => ({
      field: instancePath.replace(/^\//, "").replaceAll("/", ".") || "(request)",
      problem,
    }));
    return new JobctlError(
      "invalid_request",
      `the request is not valid: ${fields.map(({ field, problem }) => `${field}: ${problem}`).join("; ")}`,
      { details: { fields }, cause: thrown },
    );
  }
  if (code?.startsWith("FST_") && statusCode !== undefined && statusCode < 500) {
    const known = FRAMEWORK_CODES[statusCode] ?? "invalid_request";
    return new JobctlError(known, message ?? "the request is not valid", { cause: thrown });
  }
  return toJobctlError(thrown);
}

export interface StreamAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body: AsyncIterable<Buffer | string>;
}

/**
 * Answers with a stream whose headers leave at once, before there is anything in it. When the
 * stream fails half-way the connection is cut, so that the client cannot take it for complete.
 */
export async function answerWithStream(
  reply: FastifyReply,
  answer: StreamAnswer,
  logger: Logger,
): Promise<void> {
  reply.hijack();
  const response = reply.raw;
  // Those of the pipeline, of Fastify and of our own are a few more than ten.
  response.setMaxListeners(20);
  response.writeHead(answer.status ?? 200, { ...answer.headers });
  response.flushHeaders();
  try {
    await pipeline(answer.body, response);
  } catch (error) {
    response.destroy();
    if (clientWentAway(error)) return;
    logger.warn({
      event: "stream_cut",
      requestId: reply.request.id,
      url: reply.request.url,
      err: error,
    });
  }
}

function clientWentAway(error: unknown): boolean {
  const { code, name } = error as NodeJS.ErrnoException;
  return (
    code === "ERR_STREAM_PREMATURE_CLOSE" ||
    code === "EPIPE" ||
    code === "ECONNRESET" ||
    name === "AbortError"
  );
}

/**
 * A signal that is raised when the client closes the connection or the answer is complete, and when
 * the daemon stops.
 */
export function closedSignal(reply: FastifyReply, stopping?: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const close = (): void => {
    stopping?.removeEventListener("abort", close);
    controller.abort();
  };
  reply.raw.once("close", close);
  stopping?.addEventListener("abort", close);
  return controller.signal;
}
