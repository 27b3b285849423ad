import { callAfter, wallClock } from "@jobctl/daemon";

import type { Drain, DrainStore } from "../store/drain-store.js";

export interface DrainsParts {
  readonly store: DrainStore;
  /** Called when the time of an agent is up: what still runs there is to go. */
  readonly onDeadline: (agent: string) => void;
  /** Called when an agent may be given work again, or no more. */
  readonly onChange: () => void;
}

/** Agents that take no new work because an operator said so; it survives a restart of the server. */
export class Drains {
  readonly #parts: DrainsParts;
  readonly #drains = new Map<string, Drain>();
  /** Call off what is to happen at a deadline. */
  readonly #callOff = new Map<string, () => void>();

  constructor(parts: DrainsParts) {
    this.#parts = parts;
    for (const drain of parts.store.list()) this.#remember(drain);
  }

  get(agent: string | null): Drain | null {
    return agent === null ? null : (this.#drains.get(agent) ?? null);
  }

  /** @param deadlineSeconds after which running jobs are stopped and queued again; null never */
  begin(agent: string, deadlineSeconds: number | null): Drain {
    const now = wallClock();
    const since = this.#drains.get(agent)?.since ?? now;
    const deadlineMs = deadlineSeconds === null ? null : deadlineSeconds * 1000;
    const deadlineAt = deadlineMs === null ? null : now + deadlineMs;
    const drain = { agent, since, deadlineAt, deadlineMs };
    this.#parts.store.put(drain);
    this.#remember(drain);
    this.#parts.onChange();
    return drain;
  }

  end(agent: string): void {
    this.#parts.store.remove(agent);
    this.#drains.delete(agent);
    this.#callOff.get(agent)?.();
    this.#callOff.delete(agent);
    this.#parts.onChange();
  }

  stop(): void {
    for (const callOff of this.#callOff.values()) callOff();
  }

  #remember(drain: Drain): void {
    const { agent, deadlineAt, deadlineMs } = drain;
    this.#drains.set(agent, drain);
    this.#callOff.get(agent)?.();
    if (deadlineAt === null) return;
    // However the clock has been set since, it is not more than the agent was given.
    const waitMs = Math.min(Math.max(0, deadlineAt - wallClock()), deadlineMs ?? Infinity);
    this.#callOff.set(
      agent,
      callAfter(waitMs, () => this.#parts.onDeadline(agent)),
    );
  }
}
