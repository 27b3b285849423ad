import type { AgentLoad, Health } from "@jobctl/protocol";
import type { FastifyInstance } from "fastify";

export interface HealthSource {
  health(): Health;
  load(): AgentLoad;
  ready(): boolean;
}

/** Answered without a token. `live`: the process works. `ready`: it takes new work. */
export function healthRoutes(app: FastifyInstance, source: HealthSource): void {
  for (const path of ["/live", "/health/live"]) app.get(path, async () => ({ status: "ok" }));
  for (const path of ["/ready", "/health/ready"]) {
    app.get(path, async (_request, reply) =>
      reply.code(source.ready() ? 200 : 503).send(source.health()),
    );
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
