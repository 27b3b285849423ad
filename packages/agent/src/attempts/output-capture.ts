import type { Execution } from "../executors/executor.js";
import type { AttemptContext } from "./attempt-context.js";
import type { AttemptLogs } from "./attempt-logs.js";

interface OutputCaptureDeps {
  readonly context: AttemptContext;
  readonly logs: AttemptLogs;
  readonly streams: Pick<Execution, "stdout" | "stderr">;
  /** Whether the job is being stopped: what does not fit on the disk is dropped. */
  readonly isStopped: () => boolean;
  /** Called when a stream exceeds the limit of its log. */
  readonly onOverflow: () => void;
  /** Called when the logs are gone: the output would have a gap. */
  readonly onLost: () => void;
}

/**
 * Writes both output streams of a job to its logs. While the disk is full nothing is read, so that a job
 * that prints waits, and nothing of its output is lost.
 */
export class OutputCapture {
  readonly #deps: OutputCaptureDeps;
  /** Streams that wait for space on the disk. */
  #waiting = 0;
  #waitedUntilMs = -Infinity;
  #isCut = false;
  #isClosed = false;
  #overflowed = false;
  /** Settles when both streams have been read to their end. Never rejects. */
  readonly closed: Promise<void>;

  constructor(deps: OutputCaptureDeps) {
    this.#deps = deps;
    this.closed = this.#capture();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether a stream has exceeded the limit of its log. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /**
   * How long the output may still be held open, in milliseconds. The time in which it waited for space on the
   * disk does not count.
   *
   * @param endedAtMs when the main process ended, by `performance.now()`
   */
  heldOpenLeftMs(endedAtMs: number): number {
    const { heldOutputMs } = this.#deps.context.settings;
    if (this.#waiting > 0) return heldOutputMs;
    const sinceMs = Math.max(endedAtMs, this.#waitedUntilMs);
    return Math.max(0, sinceMs + heldOutputMs - performance.now());
  }

  /** Stops reading. What a process writes from here on is lost. */
  cut(): void {
    const { stdout, stderr } = this.#deps.streams;
    this.#isCut = true;
    stdout.destroy();
    stderr.destroy();
  }

  async #capture(): Promise<void> {
    const { context, logs, streams, onOverflow } = this.#deps;
    const events = {
      onFull: (problem: unknown) => this.#waitForSpace(problem),
      onOverflow: (): void => {
        this.#overflowed = true;
        onOverflow();
      },
    };
    try {
      await Promise.all([
        logs.capture(streams.stdout, "stdout", events),
        logs.capture(streams.stderr, "stderr", events),
      ]);
    } catch (error) {
      if (!this.#isCut) context.noteProblem("output_not_kept", error);
    }
    this.#isClosed = true;
  }

  /** @returns whether to try again; otherwise the output is dropped */
  async #waitForSpace(problem: unknown): Promise<boolean> {
    const { context, isStopped, onLost } = this.#deps;
    if (context.abandoned.aborted || isStopped()) return false;
    this.#waiting += 1;
    try {
      if ((await context.judge(problem)) === "lost") {
        onLost();
        return false;
      }
      context.noteProblem("log_waits", problem);
      await context.pauseBeforeRetry();
      return true;
    } finally {
      this.#waiting -= 1;
      this.#waitedUntilMs = performance.now();
    }
  }
}
