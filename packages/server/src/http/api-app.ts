import fastifyCors from "@fastify/cors";
import fastifyRateLimit from "@fastify/rate-limit";
import fastifySwagger from "@fastify/swagger";
import {
  ConnectionLimit,
  bearerCheck,
  createHttpApp,
  type Logger,
  type Secret,
} from "@jobctl/daemon";
import { JobctlError, VERSION, VERSION_HEADER, compatibility } from "@jobctl/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from "fastify-type-provider-zod";
import { z } from "zod";

import { RateWindows } from "./rate-window.js";

/** A fastify application whose routes are typed and checked by their zod schemas. */
export type ApiApp = ReturnType<typeof typed>;

const typed = (app: FastifyInstance) => app.withTypeProvider<ZodTypeProvider>();

const MAX_HEADER_BYTES = 16 * 1024;

/** Who may use the interface, and from where. */
export interface AccessSettings {
  readonly adminToken: Secret;
  /** Origins of web pages that may use it. */
  readonly corsOrigins: readonly string[];
  /** Addresses of proxies whose word on a client's address is taken. */
  readonly trustedProxies: readonly string[];
  /** Most requests of one address in a second; 0 for any number. */
  readonly rateLimit: number;
  /** Most open connections of one address, proxies excepted; 0 for any number. */
  readonly maxConnectionsPerAddress: number;
}

/** The HTTP side of the server without any route. `docs/openapi.json` is made from its schemas. */
export function createApiApp(
  logger: Logger,
  access: AccessSettings,
  connections: ConnectionLimit = limitOfConnections(logger, access),
): ApiApp {
  const { corsOrigins, trustedProxies } = access;
  const app = typed(
    createHttpApp({
      ...{ logger, maxHeaderBytes: MAX_HEADER_BYTES, onClose: "wait" },
      ...{ trustedProxies, connections },
    }),
  );
  if (corsOrigins.length > 0) {
    const methods = ["GET", "HEAD", "POST", "PUT", "DELETE"];
    const exposedHeaders = ["location", "retry-after", "etag", "content-range"];
    void app.register(fastifyCors, { origin: [...corsOrigins], methods, exposedHeaders });
  }
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  void app.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "jobctl",
        version: VERSION,
        description: "Submit jobs, follow them, fetch their results.",
        license: { name: "MIT", identifier: "MIT" },
      },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  });
  return app;
}

/** The limit that the settings ask for. */
export function limitOfConnections(logger: Logger, access: AccessSettings): ConnectionLimit {
  return new ConnectionLimit({
    maxPerAddress: access.maxConnectionsPerAddress,
    exempt: access.trustedProxies,
    logger,
  });
}

/** What every request of the API is checked for, before its body is looked at. */
export async function guard(
  app: FastifyInstance,
  access: AccessSettings,
  stopping: AbortSignal,
): Promise<void> {
  if (access.rateLimit > 0) await limitRate(app, access.rateLimit);
  const checkToken = bearerCheck(
    access.adminToken,
    "Set JOBCTL_TOKEN_FILE to the file that holds your token, or run the command where jobctl up runs.",
  );
  app.addHook("onRequest", async (request) => {
    if (stopping.aborted) {
      throw new JobctlError("draining", "the server is shutting down", {
        hint: "Try again in a moment; jobs go on.",
        retryAfterSeconds: 2,
      });
    }
    checkVersion(request);
    checkToken(request);
  });
}

/** Before the token is looked at: whoever guesses tokens is slowed down as well. */
async function limitRate(app: FastifyInstance, max: number): Promise<void> {
  await app.register(fastifyRateLimit, {
    ...{ global: false, max, timeWindow: 1000, store: RateWindows },
    // A backup fetches each blob with a request of its own.
    allowList: (request) => request.url.startsWith("/v1/admin/blobs/"),
    errorResponseBuilder: (request, { ttl }) =>
      new JobctlError("rate_limited", `more than ${max} requests in a second from ${request.ip}`, {
        hint: "Try again in a moment; one request can ask for many jobs.",
        details: { limit: max, address: request.ip },
        retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1000)),
      }),
  });
  app.addHook("onRequest", app.rateLimit());
}

function checkVersion(request: FastifyRequest): void {
  const client = request.headers[VERSION_HEADER];
  if (typeof client !== "string") return;
  const side = compatibility(client, VERSION);
  if (side === "ok") return;
  throw new JobctlError(
    "version_mismatch",
    `this is jobctl server ${VERSION}, the command line is ${client}`,
    {
      hint:
        side === "upgrade_client"
          ? `Upgrade the command line to ${VERSION}.`
          : `Upgrade the server to ${client}.`,
      details: { client, server: VERSION },
    },
  );
}

/** Schemas of the answers that are streams of bytes; only for the documentation. */
export const byteAnswer = (description: string, type = "application/octet-stream") => ({
  200: { description, content: { [type]: { schema: z.string().meta({ format: "binary" }) } } },
});
