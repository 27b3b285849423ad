import type { Agent, CachedLoad } from "@jobctl/protocol";

import type { AgentLink } from "./agent-link.js";

type DrainLookup = (name: string | null) => {
  readonly since: number;
  readonly deadlineAt: number | null;
} | null;

/** The agents that this server knows, by URL and by the name that they give themselves. */
export class AgentRegistry {
  readonly #links = new Map<string, AgentLink>();
  readonly #staleAfterMs: number;
  readonly #drains: DrainLookup;

  /** @param drains what an operator has said of an agent */
  constructor(staleAfterMs: number, drains: DrainLookup) {
    this.#staleAfterMs = staleAfterMs;
    this.#drains = drains;
  }

  add(link: AgentLink): void {
    this.#links.set(link.url, link);
  }

  remove(url: string): void {
    this.#links.delete(url);
  }

  get links(): AgentLink[] {
    return [...this.#links.values()];
  }

  byName(name: string | null): AgentLink | null {
    const named = this.links.filter((link) => link.name !== null && link.name === name);
    // One that was started again elsewhere is known under its old address for a while.
    return named.find(({ state }) => state === "ready") ?? named[0] ?? null;
  }

  byUrl(url: string): AgentLink | null {
    return this.#links.get(url) ?? null;
  }

  /** Whether another agent that is connected has this name already. */
  nameIsTaken(link: AgentLink): boolean {
    return this.links.some(
      (other) => other !== link && other.name === link.name && other.state === "ready",
    );
  }

  /** @param runningOn slots in use, by the agent's name */
  list(runningOn: (name: string) => number): Agent[] {
    return this.links.map((link) => this.show(link, runningOn));
  }

  show(link: AgentLink, runningOn: (name: string) => number): Agent {
    return {
      name: link.name,
      url: link.url,
      origin: link.origin,
      state: this.#displayState(link),
      problem: link.problem,
      connectedSince:
        link.connectedSince === null ? null : new Date(link.connectedSince).toISOString(),
      version: link.self?.version ?? null,
      services: link.self?.services ?? [],
      sandbox: link.self?.sandbox ?? null,
      capabilities: link.self?.capabilities ?? [],
      slots: link.self?.slots ?? null,
      cpus: link.self?.cpus ?? null,
      memoryBytes: link.self?.memoryBytes ?? null,
      breaker: link.breaker.state,
      drain: this.#drainOf(link.name),
      running: link.name === null ? 0 : runningOn(link.name),
    };
  }

  /** Whether every agent has been compared with the jobs, or found to be away. */
  get reconciled(): boolean {
    return this.links.every((link) => link.state !== "connecting" || link.problem !== null);
  }

  #drainOf(name: string | null): Agent["drain"] {
    const drain = this.#drains(name);
    if (drain === null) return null;
    const { since, deadlineAt } = drain;
    return {
      since: new Date(since).toISOString(),
      deadlineAt: deadlineAt === null ? null : new Date(deadlineAt).toISOString(),
    };
  }

  /** The last load of each agent, from memory: no agent is asked. */
  loads(now: number): CachedLoad[] {
    return this.links.map((link) => {
      const age = link.loadReceivedAt === null ? null : Math.max(0, now - link.loadReceivedAt);
      return {
        name: link.name,
        url: link.url,
        state: this.#displayState(link),
        load: link.load,
        ageSeconds: age === null ? null : Math.round(age) / 1000,
        stale: age === null || age > this.#staleAfterMs,
      };
    });
  }

  #displayState(link: AgentLink): Agent["state"] {
    const draining = link.load?.draining === true || this.#drains(link.name) !== null;
    return link.state === "ready" && draining ? "draining" : link.state;
  }
}
