import {
  healthSchema,
  isReady,
  serverInfoSchema,
  type Health,
  type ServerInfo,
} from "@jobctl/protocol";
import { z } from "zod";

import type { ApiApp } from "./api-app.js";

const liveSchema = z.object({ status: z.enum(["ok", "stuck"]) });

export interface HealthSource {
  /** Whether the process gets round to its work; when it does not, a restart helps. */
  isAlive(): Promise<boolean>;
  health(): Promise<Health>;
}

const LIVE_ROUTES = ["/live", "/health/live"];
const READY_ROUTES = ["/ready", "/health/ready"];

/** Answered to the last. */
export const HEALTH_ROUTES: ReadonlySet<string> = new Set([
  ...["/health", "/metrics"],
  ...LIVE_ROUTES,
  ...READY_ROUTES,
]);

/** Answered without a token. `live`: the process works. `ready`: it takes requests. */
export function healthRoutes(app: ApiApp, source: HealthSource): void {
  const open = { tags: ["health"], security: [] };
  for (const url of LIVE_ROUTES) {
    app.get(
      url,
      {
        schema: {
          ...open,
          summary: "The process works",
          response: { 200: liveSchema, 503: liveSchema },
        },
      },
      async (_request, reply) => {
        const alive = await source.isAlive();
        return reply.code(alive ? 200 : 503).send({ status: alive ? "ok" : "stuck" });
      },
    );
  }
  for (const url of READY_ROUTES) {
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
        return reply.code(isReady(health) ? 200 : 503).send(health);
      },
    );
  }
  app.get(
    "/health",
    {
      schema: {
        ...open,
        summary: "State of the server and what it depends on",
        response: { 200: healthSchema, 503: healthSchema },
      },
    },
    async (_request, reply) => {
      const health = await source.health();
      // Clients of the older orchestrator look no further than the status.
      return reply.code((health.database ?? "ok") === "ok" ? 200 : 503).send(health);
    },
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
