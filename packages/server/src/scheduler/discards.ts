import { setTimeout as delay } from "node:timers/promises";

import type { Logger } from "@jobctl/daemon";

import type { AgentLink } from "../agents/agent-link.js";
import { TokenBucket } from "../agents/token-bucket.js";

/** Deletes under way at once on one agent. */
const AT_ONCE = 4;
/** Most that wait for one agent; the next reconciliation finds the rest. */
const MAX_WAITING = 1000;
/** Rate of deletes on one agent, after a burst: an agent can claim any number of attempts. */
const BURST = 200;
const PER_SECOND = 20;

interface Queue {
  readonly ids: Set<string>;
  readonly bucket: TokenBucket;
  workers: number;
}

/**
 * Stops and deletes stale attempts on their agents: attempts whose job has moved on, or was never this
 * server's. Bounded for each agent in number, concurrency and rate.
 */
export class Discards {
  readonly #logger: Logger;
  readonly #queues = new WeakMap<AgentLink, Queue>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(link: AgentLink, attemptId: string): void {
    const queue = this.#queueOf(link);
    if (queue.ids.size >= MAX_WAITING) return;
    queue.ids.add(attemptId);
    if (queue.workers < AT_ONCE) void this.#work(link, queue);
  }

  #queueOf(link: AgentLink): Queue {
    const known = this.#queues.get(link);
    if (known !== undefined) return known;
    const queue = {
      ids: new Set<string>(),
      bucket: new TokenBucket(BURST, PER_SECOND),
      workers: 0,
    };
    this.#queues.set(link, queue);
    return queue;
  }

  /** What cannot be deleted now is found again when the agent is reconciled. */
  async #work(link: AgentLink, queue: Queue): Promise<void> {
    queue.workers += 1;
    try {
      for (const id of queue.ids) {
        queue.ids.delete(id);
        await delay(queue.bucket.take(1), undefined, { ref: false });
        if (link.connectionSignal.aborted) queue.ids.clear();
        else await this.#discard(link, id);
      }
    } finally {
      queue.workers -= 1;
    }
  }

  async #discard(link: AgentLink, attemptId: string): Promise<void> {
    const facts = { attemptId, agent: link.name };
    try {
      await link.client.deleteAttempt(attemptId);
      this.#logger.info({ event: "stale_attempt_deleted", ...facts });
    } catch (error) {
      this.#logger.warn({ event: "stale_attempt_kept", ...facts, err: error });
    }
  }
}
