import type { Drain, DrainStore } from "../store/drain-store.js";

/** Longest time that a timer of Node.js can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

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
  readonly #timers = new Map<string, NodeJS.Timeout>();

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
    clearTimeout(this.#timers.get(agent));
    this.#timers.delete(agent);
    this.#parts.onChange();
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #remember(drain: Drain): void {
    this.#drains.set(drain.agent, drain);
    clearTimeout(this.#timers.get(drain.agent));
    if (drain.deadlineAt === null) return;
    const waitMs = Math.min(Math.max(0, drain.deadlineAt - Date.now()), LONGEST_TIMER_MS);
    this.#timers.set(
      drain.agent,
      setTimeout(() => this.#parts.onDeadline(drain.agent), waitMs),
    );
  }
}
