import { JobctlError, toJobctlError } from "@jobctl/protocol";

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

  /** @throws JobctlError `agent_enrolled` when the name of this agent is bound to a key */
  function checkNotEnrolled({ name, url }: AgentLink): void {
    if (name === null || identities.keyOf(name) === null) return;
    throw new JobctlError("agent_enrolled", `the agent at ${url} is enrolled as ${name}`, {
      hint: `It needs no secret. If it has lost its data directory, run jobctl agents forget-key ${name} first.`,
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
      const known = registry.byUrl(url);
      const created = known === null;
      if (enrolment !== undefined && known !== null) checkNotEnrolled(known);
      if (enrolment !== undefined && "generate" in enrolment) {
        const made = identities.putOneTimeSecret(url);
        return { agent: registry.show(discovery.expect(url)), created, enrolment: made };
      }
      const link = await identities.withOneTimeSecret(url, enrolment?.secret ?? null, () =>
        discovery.add(url).catch(enrolment === undefined ? rethrow : wrongSecret),
      );
      return { agent: registry.show(link), created };
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
      identities.deleteOneTimeSecret(link.url);
      // The same agent may be there under another address.
      if (link.name !== null && registry.byName(link.name) === null) {
        drains.end(link.name);
        identities.forget(link.name);
      }
      return shown;
    },
    collectGarbage: (options) => collectGarbage(parts.garbage, options),
    reconcile: async (dryRun) => {
      const items = await Promise.all(registry.links.map((link) => tracker.sweep(link, dryRun)));
      return { schema: "jobctl.reconcile/v1", dryRun, items: items.flat(), nextCursor: null };
    },
  };
}

function rethrow(error: unknown): never {
  throw error;
}

/** For a secret that was given with the request. */
function wrongSecret(error: unknown): never {
  const { code, message } = toJobctlError(error);
  if (!isRefusal(error)) throw error;
  throw new JobctlError(code, message, {
    hint: "Give the secret that the agent has in its JOBCTL_AGENT_TOKEN_FILE.",
    cause: error,
  });
}

/** Whether the agent, or the server, refused the secret. */
function isRefusal(error: unknown): boolean {
  for (let at = error; at instanceof JobctlError; at = at.cause)
    if (at.code === "enrolment_refused") return true;
  return false;
}
