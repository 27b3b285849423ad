import { once, EventEmitter } from "node:events";

import type { FastifyInstance } from "fastify";

/** The requests that an application is answering, by route template. */
export class RequestsUnderWay {
  readonly #counts = new Map<string, number>();
  readonly #ended = new EventEmitter();

  constructor(app: FastifyInstance) {
    app.addHook("onRequest", async (request, reply) => {
      const route = request.routeOptions.url ?? "unknown";
      this.#count(route, 1);
      // Also for answers that are written past the framework, and for connections that are cut.
      reply.raw.once("close", () => {
        this.#count(route, -1);
        this.#ended.emit("ended");
      });
    });
  }

  /** @param isMeant which routes count */
  count(isMeant: (route: string) => boolean): number {
    let sum = 0;
    for (const [route, count] of this.#counts) if (isMeant(route)) sum += count;
    return sum;
  }

  /** Waits until none is left, or the signal comes. */
  async none(isMeant: (route: string) => boolean, signal: AbortSignal): Promise<void> {
    while (this.count(isMeant) > 0 && !signal.aborted)
      await once(this.#ended, "ended", { signal }).catch(() => {});
  }

  #count(route: string, change: 1 | -1): void {
    this.#counts.set(route, (this.#counts.get(route) ?? 0) + change);
  }
}
