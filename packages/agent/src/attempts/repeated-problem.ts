import type { Logger } from "@jobctl/daemon";

type LogFacts = Parameters<Logger["error"]>[0];

/**
 * Logs a problem that may come back any number of times: the first, second, fourth, eighth... time of
 * each cause, with how often it has come by then.
 */
export class RepeatedProblem {
  readonly #logger: Logger;
  readonly #times = new Map<string, number>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  note(facts: LogFacts, error: unknown, level: "warn" | "error" = "error"): void {
    const { code, message } = error as { code?: unknown; message?: unknown };
    const cause = `${facts.event} ${String(code ?? message)}`;
    const times = (this.#times.get(cause) ?? 0) + 1;
    this.#times.set(cause, times);
    if (Number.isInteger(Math.log2(times))) this.#logger[level]({ ...facts, times, err: error });
  }
}
