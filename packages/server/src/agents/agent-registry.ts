import { JobctlError, type Agent, type CachedLoad } from "@jobctl/protocol";

import type { AgentLink } from "./agent-link.js";

/** Most results that may wait on one agent before it gets no new work: they fill its disk. */
const MAX_WAITING_RESULTS = 100;

type DrainLookup = (name: string | null) => {
  readonly since: number;
  readonly deadlineAt: number | null;
} | null;

/** The agents that this server knows, by URL and by the name that they have proved. */
export class AgentRegistry {
  readonly #links = new Map<string, AgentLink>();
  readonly #staleAfterMs: number;
  readonly #drains: DrainLookup;
  readonly #runningOn: (name: string) => number;
  readonly #keyOf: (name: string | null) => Agent["key"];
  readonly #resultsOn: (name: string) => number;

  /**
   * @param drains what an operator has said of an agent
   * @param runningOn attempts on an agent that the server waits for, by the agent's name
   * @param keyOf the key that an agent's name is bound to
   * @param resultsOn results on an agent that have not been stored yet, by the agent's name
   */
  constructor(
    staleAfterMs: number,
    drains: DrainLookup,
    runningOn: (name: string) => number,
    keyOf: (name: string | null) => Agent["key"],
    resultsOn: (name: string) => number,
  ) {
    this.#resultsOn = resultsOn;
    this.#keyOf = keyOf;
    this.#staleAfterMs = staleAfterMs;
    this.#drains = drains;
    this.#runningOn = runningOn;
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

  /** Attempts on an agent that the server waits for, and that occupy its slots. */
  runningOn({ name }: AgentLink): number {
    return name === null ? 0 : this.#runningOn(name);
  }

  /** Results on an agent that have not been stored yet. */
  resultsOn({ name }: AgentLink): number {
    return name === null ? 0 : this.#resultsOn(name);
  }

  /** Whether so many results wait on an agent that it gets no new work. */
  isBehind(link: AgentLink): boolean {
    return this.resultsOn(link) >= MAX_WAITING_RESULTS;
  }

  /**
   * Checks that an agent at this address may have this name. An agent that can reach another one could
   * pass the handshake on to it and so be it: a name stays with the address that has it. One that was
   * looked up moves, as containers do, when it is not connected there any more.
   *
   * @throws JobctlError `agent_unreachable`
   */
  checkName(name: string, url: string): void {
    const holder = this.links.find((other) => other.url !== url && holdsName(other, name));
    if (holder === undefined) return;
    throw new JobctlError(
      "agent_unreachable",
      holder.state === "ready"
        ? `another agent is already connected under the name ${name}`
        : `the name ${name} belongs to the agent at ${holder.url} until that is lost or removed`,
      { hint: "Give each agent its own JOBCTL_AGENT_NAME." },
    );
  }

  list(): Agent[] {
    return this.links.map((link) => this.show(link));
  }

  show(link: AgentLink): Agent {
    const said = saidProblem(link);
    return {
      name: link.name,
      url: link.url,
      origin: link.origin,
      state: this.#displayState(link),
      problem: said ?? link.problem ?? this.#behindBy(link),
      problemCode: said === null ? link.problemCode : "agent_unusable",
      problemHint: said === null ? link.problemHint : UNUSABLE_HINT,
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
      running: this.runningOn(link),
      waitingResults: this.resultsOn(link),
      key: this.#keyOf(link.name),
    };
  }

  #behindBy(link: AgentLink): string | null {
    if (!this.isBehind(link)) return null;
    return `${this.resultsOn(link)} of its results wait to be stored; it gets no new work until some have been`;
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
  loads(): CachedLoad[] {
    return this.links.map((link) => {
      const age = link.loadAgeMs;
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

/** Shown beside the words of an agent that cannot run jobs. */
const UNUSABLE_HINT =
  "Mend that on the agent's machine; it takes jobs again by itself. Its log says more (data_folder_unusable, executor_broken).";

/** Why a connected agent says that it cannot run jobs; null when it can, or is not connected. */
export function saidProblem({ state, load }: AgentLink): string | null {
  return state === "ready" ? (load?.problem ?? null) : null;
}

function holdsName(link: AgentLink, name: string): boolean {
  if (link.name !== name || link.state === "lost") return false;
  if (link.origin !== "resolved" || link.state === "ready") return true;
  // After a start of the server each address is tried before its name can be elsewhere.
  return link.state === "connecting" && link.problem === null;
}
