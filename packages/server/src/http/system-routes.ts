import { healthSchema, serverInfoSchema, type Health, type ServerInfo } from "@jobctl/protocol";
import { z } from "zod";

import type { ApiApp } from "./api-app.js";

const liveSchema = z.object({ status: z.literal("ok") });

export interface HealthSource {
  health(): Promise<Health>;
}

/** Answered without a token. `live`: the process works. `ready`: it takes requests. */
export function healthRoutes(app: ApiApp, source: HealthSource): void {
  const open = { tags: ["health"], security: [] };
  for (const url of ["/live", "/health/live"]) {
    app.get(
      url,
      { schema: { ...open, summary: "The process works", response: { 200: liveSchema } } },
      async () => ({
        status: "ok" as const,
      }),
    );
  }
  for (const url of ["/ready", "/health/ready"]) {
    app.get(
      url,
      {
        schema: {
          ...open,
          summary: "The server takes requests",
          response: { 200: healthSchema, 503: healthSchema },
        },
      },
      async (_request, reply) => {
        const health = await source.health();
        return reply.code(health.status === "ok" ? 200 : 503).send(health);
      },
    );
  }
  app.get(
    "/health",
    {
      schema: {
        ...open,
        summary: "State of the server and what it depends on",
        response: { 200: healthSchema },
      },
    },
    async () => source.health(),
  );
}

export function infoRoute(app: ApiApp, info: () => ServerInfo): void {
  app.get(
    "/v1/info",
    {
      schema: {
        summary: "Version, services and limits",
        tags: ["system"],
        response: { 200: serverInfoSchema },
      },
    },
    async () => info(),
  );
}
