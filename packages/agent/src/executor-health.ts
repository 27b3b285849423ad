import type { Logger } from "@jobctl/daemon";
import { toJobctlError } from "@jobctl/protocol";

import type { Executor } from "./executors/executor.js";

/** How often it is looked whether an executor works again. */
const LOOK_AGAIN_MS = 5000;

/**
 * Whether jobs can be run here at all. An agent on which nothing can be started would be the fastest of
 * all, and every job would fail on it: it takes none until it has been mended.
 */
export class ExecutorHealth {
  readonly #executor: Executor;
  readonly #logger: Logger;
  readonly #onChange: () => void;
  #problem: string | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** @param onChange called when it has broken, and when it works again */
  constructor(executor: Executor, logger: Logger, onChange: () => void) {
    this.#executor = executor;
    this.#logger = logger;
    this.#onChange = onChange;
  }

  /** What is wrong; null while jobs can be run. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Tries it, after a job could not be started. @returns whether jobs can be run */
  async check(): Promise<boolean> {
    const before = this.#problem;
    try {
      await this.#executor.probe();
      this.#problem = null;
    } catch (error) {
      this.#problem = toJobctlError(error).message;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.check(), LOOK_AGAIN_MS).unref();
    }
    if (before === null && this.#problem !== null)
      this.#logger.error({ event: "executor_broken" }, this.#problem);
    if (before !== null && this.#problem === null) this.#logger.info({ event: "executor_works" });
    if ((before === null) !== (this.#problem === null)) this.#onChange();
    return this.#problem === null;
  }
}
