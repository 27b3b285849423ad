import type { Logger } from "@jobctl/daemon";

interface Task {
  readonly name: string;
  readonly everyMs: number;
  readonly run: () => Promise<unknown> | void;
}

/** Work that is done again and again beside the requests; one run of a task never overlaps another. */
export class Tasks {
  readonly #logger: Logger;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();
  /** When each task last ended well, in milliseconds since 1970. */
  readonly lastSuccess = new Map<string, number>();
  #stopped = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  start(tasks: readonly Task[]): void {
    for (const task of tasks) this.#schedule(task);
  }

  /** Starts nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all(this.#running);
  }

  #schedule(task: Task): void {
    if (this.#stopped) return;
    const timer = setTimeout(() => {
      const running = this.#run(task).finally(() => {
        this.#running.delete(running);
        this.#schedule(task);
      });
      this.#running.add(running);
    }, task.everyMs);
    this.#timers.set(task.name, timer.unref());
  }

  async #run(task: Task): Promise<void> {
    try {
      await task.run();
      this.lastSuccess.set(task.name, Date.now());
    } catch (error) {
      this.#logger.error({ event: "task_failed", task: task.name, err: error });
    }
  }
}
