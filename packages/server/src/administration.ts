import { JobctlError } from "@jobctl/protocol";

import type { AgentIdentities } from "./agents/agent-identities.js";
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
  readonly identities: AgentIdentities;
  readonly drains: Drains;
  readonly tracker: AttemptTracker;
  readonly garbage: GcParts;
}

/** The operators' actions, put together from the parts of the server that carry them out. */
export function createAdministration(parts: AdministrationParts): Administration {
  const { registry, discovery, identities, drains, tracker } = parts;

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
    addAgent: async (url, enrolment) => {
      const created = registry.byUrl(url) === null;
      if (enrolment === undefined)
        return { agent: registry.show(await discovery.add(url)), created };
      if ("generate" in enrolment) {
        const made = identities.expect(url);
        return { agent: registry.show(discovery.expect(url)), created, enrolment: made };
      }
      identities.expect(url, enrolment.secret);
      try {
        return { agent: registry.show(await discovery.add(url)), created };
      } catch (error) {
        identities.dropExpected(url);
        throw error;
      }
    },
    forgetKey: (name) => {
      if (!identities.forget(name))
        throw new JobctlError(
          "agent_not_found",
          `the name ${JSON.stringify(name)} is bound to no key`,
          {
            hint: "jobctl agents list shows the agents that are enrolled.",
          },
        );
      registry.byName(name)?.reconnect();
    },
    removeAgent: async (nameOrUrl) => {
      const link = registry.byUrl(nameOrUrl) ?? linkOf(nameOrUrl);
      const shown = registry.show(link);
      await discovery.remove(link);
      identities.dropExpected(link.url);
      if (link.name !== null) {
        drains.end(link.name);
        identities.forget(link.name);
      }
      return shown;
    },
    collectGarbage: (dryRun) => collectGarbage(parts.garbage, dryRun),
    reconcile: async (dryRun) => {
      const items = await Promise.all(registry.links.map((link) => tracker.sweep(link, dryRun)));
      return { schema: "jobctl.reconcile/v1", dryRun, items: items.flat(), nextCursor: null };
    },
  };
}
