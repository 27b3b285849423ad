import {
  JobctlError,
  ATTEMPT_HEADER,
  LOG_ATTEMPT_HEADER,
  attemptSpecSchema,
  logQuerySchema,
  parseRequest,
  toJobctlError,
  type AttemptSpec,
} from "@jobctl/protocol";
import { answerWithStream, closedSignal, sendFile, type Logger } from "@jobctl/daemon";
import type { FastifyInstance } from "fastify";

import type { AttemptPool } from "../attempts/attempt-pool.js";

interface ById {
  Params: { id: string };
}

/** What the server does with attempts. The bearer token has been checked before. */
export function attemptRoutes(app: FastifyInstance, pool: AttemptPool, logger: Logger): void {
  app.get("/v1/attempts", async () => ({ items: pool.reports }));

  // The archive is read as it comes in; nothing parses it first.
  app.addContentTypeParser("application/x-tar", (_request, payload, done) => done(null, payload));

  app.put<ById>("/v1/attempts/:id", async (request, reply) => {
    const spec = readSpec(request.headers[ATTEMPT_HEADER], request.params.id);
    // Not destroyed when it is left before its end, as it is at the archive's end mark: the answer
    // takes the same connection.
    const archive = request.raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    const received = await pool.receive(spec, archive);
    return reply.code(received === "created" ? 201 : 200).send(pool.get(spec.id).report);
  });

  app.get<ById>("/v1/attempts/:id", async (request) => pool.get(request.params.id).report);

  app.get<ById>("/v1/attempts/:id/logs", async (request, reply) => {
    const attempt = pool.find(request.params.id);
    const { stream, offset, follow } = parseRequest(logQuerySchema, request.query, "the request");
    const body = attempt.readLog(stream, offset, follow, closedSignal(reply));
    if (body === null) {
      throw new JobctlError(
        "attempt_not_found",
        `attempt ${request.params.id} has no live log any more; its result holds it`,
      );
    }
    const headers = {
      "content-type": "application/octet-stream",
      [LOG_ATTEMPT_HEADER]: attempt.spec.attempt,
    };
    await answerWithStream(reply, { headers, body }, logger);
  });

  app.get<ById>("/v1/attempts/:id/result", async (request, reply) => {
    const attempt = pool.find(request.params.id);
    const { result } = attempt.report;
    if (result === null) {
      throw new JobctlError("result_missing", `attempt ${request.params.id} has no result yet`);
    }
    const file = {
      path: attempt.paths.result,
      sizeBytes: result.sizeBytes,
      etag: result.sha256,
      contentType: "application/x-tar",
    };
    await pool.checkResult(attempt.spec.id);
    try {
      await sendFile(request, reply, file, logger);
    } catch (error) {
      if (toJobctlError(error).code === "file_system") await pool.checkResult(attempt.spec.id);
      throw error;
    }
  });

  app.get<ById>("/v1/attempts/:id/workspace", async (request, reply) => {
    const attempt = pool.find(request.params.id);
    const headers = { "content-type": "application/x-tar" };
    await answerWithStream(reply, { headers, body: attempt.liveWorkspace.pack() }, logger);
  });

  app.post<ById>("/v1/attempts/:id/cancel", async (request, reply) => {
    const attempt = pool.get(request.params.id);
    void attempt.stop("cancelled");
    return reply.code(202).send(attempt.report);
  });

  app.delete<ById>("/v1/attempts/:id", async (request, reply) => {
    await pool.remove(request.params.id);
    return reply.code(204).send();
  });
}

/** @throws JobctlError `invalid_request` */
function readSpec(header: string | string[] | undefined, id: string): AttemptSpec {
  const text = Buffer.from(String(header ?? ""), "base64url").toString("utf8");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = null;
  }
  const parsed = attemptSpecSchema.safeParse(json);
  if (parsed.success && parsed.data.id === id) return parsed.data;
  throw new JobctlError(
    "invalid_request",
    `the header ${ATTEMPT_HEADER} does not specify attempt ${id}`,
    {
      details: { problems: parsed.error?.issues ?? [] },
    },
  );
}
