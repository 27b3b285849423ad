import { callAfter } from "@jobctl/daemon";

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
    const now = Date.now();
    const deadlineAt = deadlineSeconds === null ? null : now + deadlineSeconds * 1000;
    this.#parts.store.put(agent, this.#drains.get(agent)?.since ?? now, deadlineAt);
    const drain = { agent, since: this.#drains.get(agent)?.since ?? now, deadlineAt };
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
    const { agent, deadlineAt } = drain;
    this.#drains.set(agent, drain);
    this.#callOff.get(agent)?.();
    if (deadlineAt === null) return;
    const waitMs = Math.max(0, deadlineAt - Date.now());
    this.#callOff.set(
      agent,
      callAfter(waitMs, () => this.#parts.onDeadline(agent)),
    );
  }
}
