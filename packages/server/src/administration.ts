import { JobctlError } from "@jobctl/protocol";

import type { AgentLink } from "./agents/agent-link.js";
import type { AgentRegistry } from "./agents/agent-registry.js";
import type { Discovery } from "./agents/discovery.js";
import type { Administration } from "./http/admin-routes.js";
import { collectGarbage, type GcParts } from "./maintenance/gc.js";
import type { AttemptTracker } from "./scheduler/attempt-tracker.js";
import type { Drains } from "./jobs/drains.js";

export interface AdministrationParts {
  readonly registry: AgentRegistry;
  readonly discovery: Discovery;
  readonly drains: Drains;
  readonly tracker: AttemptTracker;
  readonly garbage: GcParts;
}

/** The operators' actions, put together from the parts of the server that carry them out. */
export function createAdministration(parts: AdministrationParts): Administration {
  const { registry, discovery, drains, tracker } = parts;

  function linkOf(name: string): AgentLink {
    const link = registry.byName(name);
    if (link !== null) return link;
    const known = registry.links.flatMap((other) => other.name ?? []);
    throw new JobctlError("agent_not_found", `there is no agent ${JSON.stringify(name)}`, {
      hint:
        known.length === 0 ? "No agent has been reached yet." : `There are: ${known.join(", ")}.`,
    });
  }

  return {
    breakers: () =>
      registry.links.map(({ name, url, breaker }) => ({
        agent: name,
        url,
        state: breaker.state,
        failures: breaker.failures,
        retryAfterSeconds: Math.ceil(breaker.retryAfterMs / 1000),
      })),
    resetBreaker: (name) => linkOf(name).breaker.reset(),
    resetBreakers: () => {
      for (const { breaker } of registry.links) breaker.reset();
    },
    drain: (name, deadlineSeconds) => {
      const link = linkOf(name);
      drains.begin(name, deadlineSeconds);
      return registry.show(link);
    },
    resume: (name) => {
      const link = linkOf(name);
      drains.end(name);
      return registry.show(link);
    },
    addAgent: async (url) => {
      const created = registry.byUrl(url) === null;
      const link = await discovery.add(url);
      return { agent: registry.show(link), created };
    },
    removeAgent: async (nameOrUrl) => {
      const link = registry.byUrl(nameOrUrl) ?? linkOf(nameOrUrl);
      const shown = registry.show(link);
      await discovery.remove(link);
      if (link.name !== null) drains.end(link.name);
      return shown;
    },
    collectGarbage: (dryRun) => collectGarbage(parts.garbage, dryRun),
    reconcile: async (dryRun) => {
      const items = await Promise.all(registry.links.map((link) => tracker.sweep(link, dryRun)));
      return { schema: "jobctl.reconcile/v1", dryRun, items: items.flat(), nextCursor: null };
    },
  };
}
