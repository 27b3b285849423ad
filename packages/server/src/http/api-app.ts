import fastifySwagger from "@fastify/swagger";
import { bearerCheck, createHttpApp, type Logger, type Secret } from "@jobctl/daemon";
import { JobctlError, VERSION, VERSION_HEADER, compatibility } from "@jobctl/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from "fastify-type-provider-zod";
import { z } from "zod";

/** A fastify application whose routes are typed and checked by their zod schemas. */
export type ApiApp = ReturnType<typeof typed>;

const typed = (app: FastifyInstance) => app.withTypeProvider<ZodTypeProvider>();

const MAX_HEADER_BYTES = 16 * 1024;

/** The HTTP side of the server without any route. `docs/openapi.json` is made from its schemas. */
export function createApiApp(logger: Logger): ApiApp {
  const app = typed(createHttpApp({ logger, maxHeaderBytes: MAX_HEADER_BYTES, onClose: "wait" }));
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

/** What every request of the API is checked for, before its body is looked at. */
export function guard(app: FastifyInstance, adminToken: Secret, stopping: AbortSignal): void {
  const checkToken = bearerCheck(
    adminToken,
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
