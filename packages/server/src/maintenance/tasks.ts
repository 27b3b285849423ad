import { wallInstant, type Logger } from "@jobctl/daemon";
import type { TaskHealth } from "@jobctl/protocol";

/** A task that has not ended well for so many of its intervals is a problem. */
const MISSED_INTERVALS = 3;

interface Task {
  readonly name: string;
  readonly everyMs: number;
  /** Whether it is done at once, not only after its first interval. */
  readonly atStart?: boolean;
  readonly run: () => Promise<unknown> | void;
}

interface TaskState {
  readonly everyMs: number;
  /** When it was set up, and when it last ended well, by the monotonic clock. */
  readonly sinceMs: number;
  readonly succeededMs: number | null;
  /** The same as a time stamp. */
  readonly lastSuccessAt: string | null;
  readonly problem: string | null;
}

/** Work that is done again and again beside the requests; one run of a task never overlaps another. */
export class Tasks {
  readonly #logger: Logger;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();
  readonly #states = new Map<string, TaskState>();
  #stopped = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  start(tasks: readonly Task[]): void {
    for (const task of tasks) {
      const { everyMs } = task;
      this.#states.set(task.name, {
        ...{ everyMs, sinceMs: performance.now() },
        ...{ succeededMs: null, lastSuccessAt: null, problem: null },
      });
      this.#schedule(task, task.atStart === true ? 0 : everyMs);
    }
  }

  /** How each task is, by its name. */
  get health(): Record<string, TaskHealth> {
    const nowMs = performance.now();
    return Object.fromEntries(
      [...this.#states].map(([name, state]) => {
        const { everyMs, sinceMs, succeededMs, lastSuccessAt, problem } = state;
        const health = {
          ok: nowMs - (succeededMs ?? sinceMs) < MISSED_INTERVALS * everyMs,
          everySeconds: everyMs / 1000,
          lastSuccessAt,
          ageSeconds: succeededMs === null ? null : Math.round(nowMs - succeededMs) / 1000,
          problem,
        };
        return [name, health];
      }),
    );
  }

  /** Starts nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all(this.#running);
  }

  #schedule(task: Task, afterMs: number): void {
    if (this.#stopped) return;
    const timer = setTimeout(() => {
      const running = this.#run(task).finally(() => {
        this.#running.delete(running);
        this.#schedule(task, task.everyMs);
      });
      this.#running.add(running);
    }, afterMs);
    this.#timers.set(task.name, timer.unref());
  }

  async #run(task: Task): Promise<void> {
    try {
      await task.run();
      const succeededMs = performance.now();
      this.#note(task, { succeededMs, lastSuccessAt: wallInstant(), problem: null });
    } catch (error) {
      this.#note(task, { problem: (error as Error).message });
      this.#logger.error({ event: "task_failed", task: task.name, err: error });
    }
  }

  #note(task: Task, change: Partial<TaskState>): void {
    const state = this.#states.get(task.name);
    if (state !== undefined) this.#states.set(task.name, { ...state, ...change });
  }
}
