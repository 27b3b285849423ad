import { lookup } from "node:dns/promises";

import type { Logger } from "@jobctl/daemon";

import type { AgentLink } from "./agent-link.js";
import type { AgentRegistry } from "./agent-registry.js";

/** Names are resolved again and again: agents are started and stopped while the server runs. */
const RESOLVE_EVERY_MS = 5000;
const PREFIX = "dns+";

export interface DiscoveryParts {
  readonly registry: AgentRegistry;
  readonly createLink: (url: string) => AgentLink;
  readonly logger: Logger;
}

/**
 * Finds the agents: `http://host:port` is one, `dns+http://name:port` is one at each address that the name
 * has at the moment.
 */
export class Discovery {
  readonly #parts: DiscoveryParts;
  readonly #names: readonly URL[];
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(urls: readonly string[], parts: DiscoveryParts) {
    this.#parts = parts;
    for (const url of urls) if (!url.startsWith(PREFIX)) parts.registry.add(parts.createLink(url));
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
  }

  async #resolveAll(): Promise<void> {
    for (const name of this.#names) await this.#resolve(name);
    if (!this.#stopped)
      this.#timer = setTimeout(() => void this.#resolveAll(), RESOLVE_EVERY_MS).unref();
  }

  async #resolve(name: URL): Promise<void> {
    const { registry, createLink, logger } = this.#parts;
    let addresses: string[];
    try {
      const found = await lookup(name.hostname, { all: true });
      addresses = found.map(({ address, family }) => (family === 6 ? `[${address}]` : address));
    } catch (error) {
      // None at the moment, or no answer: what is known stays.
      logger.debug({ event: "agents_not_resolved", name: name.hostname, err: error });
      return;
    }
    if (this.#stopped) return;
    const urls = new Set(addresses.map((address) => `${name.protocol}//${address}:${name.port}`));
    for (const url of urls) {
      if (registry.links.some((link) => link.url === url)) continue;
      logger.info({ event: "agent_found", url });
      const link = createLink(url);
      link.discovered = true;
      registry.add(link);
      link.start();
    }
    for (const link of registry.links) {
      if (!link.discovered || urls.has(link.url) || link.state === "ready") continue;
      // Its jobs are another agent's, or queued again, by then.
      if (link.state === "unreachable") continue;
      logger.info({ event: "agent_forgotten", url: link.url });
      registry.remove(link.url);
      await link.stop();
    }
  }
}
