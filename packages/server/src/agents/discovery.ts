import { lookup } from "node:dns/promises";

import { wallClock, type Logger } from "@jobctl/daemon";
import { JobctlError, type AgentOrigin } from "@jobctl/protocol";

import type { AgentLink } from "./agent-link.js";
import type { AgentRegistry } from "./agent-registry.js";

/** Names are resolved again and again: agents are started and stopped while the server runs. */
const RESOLVE_EVERY_MS = 5000;
const PREFIX = "dns+";

/** Remembers which agents operators have added, by URL. */
interface AddedAgents {
  added(): string[];
  add(url: string, at: number): void;
  remove(url: string): void;
}

export interface DiscoveryParts {
  readonly registry: AgentRegistry;
  readonly store: AddedAgents;
  readonly createLink: (url: string, origin: AgentOrigin) => AgentLink;
  /** Called when there is an agent more that can be given work. */
  readonly onAdded: () => void;
  readonly logger: Logger;
}

/**
 * Finds the agents. Configured are `http://host:port`, which is one, and `dns+http://name:port`, which is
 * one at each address that the name has at the moment; operators add and remove others while the server
 * runs.
 */
export class Discovery {
  readonly #parts: DiscoveryParts;
  readonly #names: readonly URL[];
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** Those that are to be added, once they have answered. */
  readonly #tried = new Set<AgentLink>();

  constructor(urls: readonly string[], parts: DiscoveryParts) {
    this.#parts = parts;
    const { registry, store, createLink } = parts;
    for (const url of urls)
      if (!url.startsWith(PREFIX)) registry.add(createLink(url, "configured"));
    for (const url of store.added())
      if (registry.byUrl(url) === null) registry.add(createLink(url, "added"));
    this.#names = urls
      .filter((url) => url.startsWith(PREFIX))
      .map((url) => new URL(url.slice(PREFIX.length)));
  }

  async start(): Promise<void> {
    for (const link of this.#parts.registry.links) link.start();
    if (this.#names.length > 0) await this.#resolveAll();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const link of this.#tried) void link.stop();
  }

  /**
   * Takes an agent in once it has answered, now and after a restart. One that is known has to be
   * connected, or to connect now.
   *
   * @throws JobctlError `agent_unreachable`, and then nothing has changed; for a known agent what it
   *   cannot connect with
   */
  async add(url: string): Promise<AgentLink> {
    const { registry, store, createLink, onAdded, logger } = this.#parts;
    const known = registry.byUrl(url);
    if (known !== null) {
      await known.tryAgain();
      return known;
    }
    const link = createLink(url, "added");
    this.#tried.add(link);
    link.start();
    try {
      await link.untilTried().catch(notAdded(url));
      // Meanwhile another one may have been added, here or under the same name.
      if (registry.byUrl(url) !== null) notAdded(url)(new Error("it has just been added"));
      registry.checkName(link.name ?? "", url);
      store.add(url, wallClock());
    } catch (error) {
      await link.stop();
      throw error;
    } finally {
      this.#tried.delete(link);
    }
    registry.add(link);
    onAdded();
    logger.info({ event: "agent_added", agent: link.name, url });
    return link;
  }

  /**
   * Takes an agent in that will be started later: it is tried until it answers.
   *
   * @returns the link to the agent, which may be known already
   */
  expect(url: string): AgentLink {
    const { registry, store, createLink, logger } = this.#parts;
    const known = registry.byUrl(url);
    if (known !== null) return known;
    store.add(url, wallClock());
    const link = createLink(url, "added");
    registry.add(link);
    link.start();
    logger.info({ event: "agent_expected", url });
    return link;
  }

  /**
   * Forgets an agent that has been added.
   *
   * @throws JobctlError `agent_not_removable`
   */
  async remove(link: AgentLink): Promise<void> {
    const { registry, store, logger } = this.#parts;
    const name = link.name ?? link.url;
    if (link.origin !== "added")
      throw new JobctlError("agent_not_removable", `agent ${name} is configured`, {
        hint: "Take it out of JOBCTL_AGENTS, or stop it where its address is looked up.",
      });
    const running = registry.runningOn(link);
    if (running > 0)
      throw new JobctlError("agent_not_removable", `agent ${name} has jobs: ${running}`, {
        hint: `Let them end first: jobctl agents drain ${name}`,
        details: { running },
      });
    store.remove(link.url);
    registry.remove(link.url);
    logger.info({ event: "agent_removed", agent: link.name, url: link.url });
    await link.stop();
  }

  async #resolveAll(): Promise<void> {
    const found = new Set<string>();
    let complete = true;
    for (const name of this.#names) {
      const urls = await this.#resolve(name);
      for (const url of urls ?? []) found.add(url);
      complete &&= urls !== null;
    }
    if (this.#stopped) return;
    this.#connect(found);
    // What a name has that was not resolved this time stays.
    if (complete) await this.#forgetAllBut(found);
    this.#timer = setTimeout(() => void this.#resolveAll(), RESOLVE_EVERY_MS).unref();
  }

  /** @returns null when there is no answer, or no address at the moment */
  async #resolve(name: URL): Promise<string[] | null> {
    try {
      const found = await lookup(name.hostname, { all: true });
      return found.map(({ address, family }) => {
        const host = family === 6 ? `[${address}]` : address;
        return `${name.protocol}//${host}:${name.port}`;
      });
    } catch (error) {
      const { hostname } = name;
      this.#parts.logger.debug({ event: "agents_not_resolved", name: hostname, err: error });
      return null;
    }
  }

  #connect(urls: ReadonlySet<string>): void {
    const { registry, createLink, logger } = this.#parts;
    for (const url of urls) {
      if (registry.byUrl(url) !== null) continue;
      logger.info({ event: "agent_found", url });
      const link = createLink(url, "resolved");
      registry.add(link);
      link.start();
    }
  }

  async #forgetAllBut(urls: ReadonlySet<string>): Promise<void> {
    const { registry, logger } = this.#parts;
    for (const link of registry.links) {
      if (link.origin !== "resolved" || urls.has(link.url) || link.state === "ready") continue;
      // Its jobs are another agent's, or queued again, by then.
      if (link.state === "unreachable") continue;
      logger.info({ event: "agent_forgotten", url: link.url });
      registry.remove(link.url);
      await link.stop();
    }
  }
}

function notAdded(url: string) {
  return (cause: Error): never => {
    const reason = cause.message.replaceAll(`the agent at ${url}`, "it").replaceAll(url, "it");
    throw new JobctlError("agent_unreachable", `${url} was not added: ${reason}`, {
      hint:
        (cause as JobctlError).hint ??
        "Does an agent listen there, and has it the token that this server has for its agents?",
      cause,
    });
  };
}
