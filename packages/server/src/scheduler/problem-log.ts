import type { Logger } from "@jobctl/daemon";
import type { JobctlError } from "@jobctl/protocol";

/** Shortest time between two lines about the same problem. */
const SAY_AGAIN_MS = 600_000;
/** Upper bound on problems that are told apart; evicted ones are logged again at once. */
const MAX_PROBLEMS = 1000;

interface Problem {
  loggedMs: number;
  /** Since the last line. */
  repeats: number;
}

/** Logs what fails again and again once for each cause, and then rarely, with how often it has failed. */
export class ProblemLog {
  readonly #logger: Pick<Logger, "warn">;
  readonly #now: () => number;
  readonly #problems = new Map<string, Problem>();

  /** @param now milliseconds of a clock that never goes back */
  constructor(logger: Pick<Logger, "warn">, now: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#now = now;
  }

  /**
   * @param where what the cause belongs to, such as an agent
   * @param facts of this time, such as the job
   */
  note(event: string, where: string | null, error: JobctlError, facts: object = {}): void {
    const key = `${event} ${where} ${error.code}`;
    const nowMs = this.#now();
    const known = this.#problems.get(key);
    if (known !== undefined && nowMs - known.loggedMs < SAY_AGAIN_MS) {
      known.repeats += 1;
      return;
    }
    this.#logger.warn(
      { event, ...facts, code: error.code, repeats: known?.repeats ?? 0, err: error },
      error.message,
    );
    this.#problems.delete(key);
    this.#problems.set(key, { loggedMs: nowMs, repeats: 0 });
    const [oldest] = this.#problems.keys();
    if (this.#problems.size > MAX_PROBLEMS && oldest !== undefined) this.#problems.delete(oldest);
  }
}
