import { isReady, type AgentLoad, type Health } from "@jobctl/protocol";
import type { FastifyInstance } from "fastify";

export interface HealthSource {
  /** Whether the process gets round to its work; when it does not, a restart helps. */
  isAlive(): Promise<boolean>;
  health(): Promise<Health>;
  load(): AgentLoad;
}

/** Answered without a token. `live`: the process works. `ready`: it takes new work. */
export function healthRoutes(app: FastifyInstance, source: HealthSource): void {
  for (const path of ["/live", "/health/live"]) {
    app.get(path, async (_request, reply) => {
      const alive = await source.isAlive();
      return reply.code(alive ? 200 : 503).send({ status: alive ? "ok" : "stuck" });
    });
  }
  for (const path of ["/ready", "/health/ready"]) {
    app.get(path, async (_request, reply) => {
      const health = await source.health();
      return reply.code(isReady(health) ? 200 : 503).send(health);
    });
  }
  app.get("/health", async () => source.health());
  app.get("/load", async (request, reply) => {
    const load = source.load();
    // Clients of the older orchestrator expect the CPU percentage as a bare number.
    if (request.headers.accept === "text/plain") {
      return reply.type("text/plain; charset=utf-8").send(String(load.cpuPercent ?? 0));
    }
    return load;
  });
}
