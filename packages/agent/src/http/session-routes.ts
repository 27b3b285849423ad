import {
  EPOCH_HEADER,
  INSTALLATION_HEADER,
  JobctlError,
  MAX_HANDSHAKE_BYTES,
  SESSION_PROTOCOL,
  parseRequest,
  serverHelloSchema,
  serverProofSchema,
} from "@jobctl/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { Sessions } from "../sessions.js";

/** Time for a message of the handshake to arrive, however slowly it trickles in. */
const ARRIVAL_MS = 10_000;

/** The handshake: the only calls that carry a body and need no session. */
export function sessionRoutes(app: FastifyInstance, sessions: Sessions): void {
  const options = { bodyLimit: MAX_HANDSHAKE_BYTES };
  app.addHook("onRequest", async (request, reply) => {
    const timer = setTimeout(() => request.raw.destroy(), ARRIVAL_MS);
    reply.raw.once("close", () => clearTimeout(timer));
  });

  app.post("/v1/session", options, async (request, reply) => {
    checkProtocol(request.body);
    const hello = parseRequest(serverHelloSchema, request.body, "the handshake");
    return reply.code(201).send(sessions.begin(hello));
  });

  app.put("/v1/session", options, async (request) =>
    sessions.complete(parseRequest(serverProofSchema, request.body, "the handshake")),
  );
}

/**
 * Lets a call of the session in, and cuts its answer when the agent works with another server.
 *
 * @throws JobctlError `unauthorized`, `installation_mismatch`, `epoch_outdated`
 */
export function checkSession(
  request: FastifyRequest,
  reply: FastifyReply,
  sessions: Sessions,
): void {
  const { authorization = "" } = request.headers;
  const header = (name: string): string | undefined => request.headers[name]?.toString();
  sessions.check({
    token: /^Bearer ([A-Za-z0-9_-]{1,100})$/i.exec(authorization)?.[1],
    installation: header(INSTALLATION_HEADER),
    epoch: header(EPOCH_HEADER),
  });
  reply.raw.once(
    "close",
    sessions.track(() => request.raw.destroy()),
  );
}

/** @throws JobctlError `version_mismatch` */
function checkProtocol(body: unknown): void {
  const protocol = (body as { protocol?: unknown } | null)?.protocol;
  if (typeof protocol !== "number" || protocol === SESSION_PROTOCOL) return;
  const side = protocol > SESSION_PROTOCOL ? "agent" : "server";
  throw new JobctlError(
    "version_mismatch",
    `the server speaks version ${protocol} of the handshake, this agent version ${SESSION_PROTOCOL}`,
    { hint: `Upgrade the ${side}.` },
  );
}
