import { agentListSchema, loadListSchema, type CachedLoad } from "@jobctl/protocol";
import type { Logger } from "@jobctl/daemon";
import { z } from "zod";

import type { AgentRegistry } from "../agents/agent-registry.js";
import type { ApiApp } from "./api-app.js";

export interface AgentRoutesParts {
  readonly registry: AgentRegistry;
  /** How many loads were answered from memory, and how many the agents were asked for. */
  readonly loadLookups: { hit: number; miss: number };
  readonly logger: Logger;
}

/** The agents and how busy they are. */
export function agentRoutes(app: ApiApp, parts: AgentRoutesParts): void {
  const { registry, loadLookups, logger } = parts;

  app.get(
    "/v1/agents",
    { schema: { summary: "List agents", tags: ["agents"], response: { 200: agentListSchema } } },
    async () => ({
      schema: "jobctl.agents/v1" as const,
      items: registry.list(),
      nextCursor: null,
    }),
  );

  app.get(
    "/v1/agents/load",
    {
      schema: {
        summary: "The last load that each agent has reported; asks the agents only with `live`",
        tags: ["agents"],
        querystring: z.object({ live: z.enum(["0", "1", "true", "false"]).default("0") }),
        response: { 200: loadListSchema },
      },
    },
    async (request) => {
      const live = request.query.live === "1" || request.query.live === "true";
      const cached = registry.loads();
      loadLookups[live ? "miss" : "hit"] += cached.length;
      const event = live ? "agent_load_probed" : "agent_load_cache_hit";
      logger.debug({ event, requestId: request.id, agents: cached.length });
      const items = live ? await Promise.all(cached.map((item) => probe(item, registry))) : cached;
      return { schema: "jobctl.load/v1" as const, items, nextCursor: null };
    },
  );
}

/** What the agent says now; what is cached when it does not answer. */
async function probe(cached: CachedLoad, registry: AgentRegistry): Promise<CachedLoad> {
  const link = registry.byUrl(cached.url);
  const load = await link?.client.getLoad().catch(() => null);
  return load == null
    ? { ...cached, stale: true }
    : { ...cached, load, ageSeconds: 0, stale: false };
}
