import { once } from "node:events";

import { backoffMs, callAfter, signalWithin } from "@jobctl/daemon";

import type { Execution, Exit, JobUsage } from "../executors/executor.js";
import { DiskGuard } from "../workspace/disk-guard.js";
import { unlinkedBytes } from "../workspace/unlinked-files.js";
import { openWorkspace } from "../workspace/workspace.js";
import type { AttemptContext } from "./attempt-context.js";
import type { AttemptLogs } from "./attempt-logs.js";
import type { StopCause, StopReason } from "./outcome.js";
import { OutputCapture } from "./output-capture.js";

/** Pauses between two looks for processes that hold the output of a job open. */
const FIND_HOLDERS = { firstMs: 1000, maxMs: 30_000 };

interface RunningJobDeps {
  readonly context: AttemptContext;
  readonly execution: Execution;
  readonly logs: AttemptLogs;
  /** Free space of the volume before the job was started. */
  readonly freeBytesBefore: number;
  /** Why the job is being stopped; null while it is not. */
  readonly cause: () => StopCause | null;
  readonly stop: (reason: StopReason) => void;
  readonly onFilesLost: () => void;
}

/** A job whose process has been started: keeps its output, enforces its limits, ends it. */
export class RunningJob {
  readonly #deps: RunningJobDeps;
  readonly #output: OutputCapture;
  #exit: Exit | null = null;
  /** Whether nothing of the job is alive any more. */
  #isOver = false;
  #excess: string | null = null;
  #termination: Promise<void> | null = null;

  constructor(deps: RunningJobDeps) {
    const { context, execution, logs, stop, onFilesLost, cause } = deps;
    this.#deps = deps;
    this.#output = new OutputCapture({
      context,
      logs,
      streams: execution,
      isStopped: () => cause() !== null,
      onOverflow: () => stop("output_limit"),
      onLost: onFilesLost,
    });
  }

  /** Whether its main process has ended. */
  get hasExited(): boolean {
    return this.#exit !== null;
  }

  /** Whether anything of the job may have run. */
  get mayHaveRun(): boolean {
    return this.#exit?.begun ?? true;
  }

  get outputOverflowed(): boolean {
    return this.#output.overflowed;
  }

  /** Which limit of its workspace the job has exceeded; null when none. */
  get excess(): string | null {
    return this.#excess;
  }

  usage(): Promise<JobUsage> {
    return this.#deps.execution.usage();
  }

  /** Waits until nothing of the job is alive and its output has been kept. */
  async waitForEnd(onExit: () => void): Promise<Exit> {
    const { context, execution, stop } = this.#deps;
    const timeLimitMs = context.spec.timeoutSeconds * 1000;
    const cancelTimer = callAfter(timeLimitMs, () => stop("timed_out"));
    const guard = this.#guardDisk();
    this.#exit = await execution.exited;
    onExit();
    guard.stop();
    await this.#endLeftovers();
    cancelTimer();
    this.#isOver = true;
    return this.#exit;
  }

  /** Ends every process of the job. One call at a time looks for them; the others wait for it. Never rejects. */
  terminate(): Promise<void> {
    const { context, execution, cause } = this.#deps;
    if (this.#isOver) return Promise.resolve();
    const graceMs = cause() === null ? 0 : context.settings.killGraceMs;
    this.#termination ??= execution
      .terminate(graceMs, (problem) => context.noteProblem("job_does_not_end", problem))
      .finally(() => {
        this.#termination = null;
      });
    return this.#termination;
  }

  /** Kills what can be reached without waiting. */
  kill(): void {
    this.#deps.execution.kill();
  }

  #guardDisk(): DiskGuard {
    const { context, execution, freeBytesBefore, stop } = this.#deps;
    const { directory } = context.paths;
    return new DiskGuard({
      openWorkspace: () => openWorkspace(context.paths),
      volume: directory,
      freeBytesBefore,
      unlinkedBytes: async () => unlinkedBytes(await execution.processes(), directory),
      limits: context.settings.workspaceLimits,
      onExceeded: (message) => {
        this.#excess = message;
        stop("disk_full");
      },
      onFailure: (error) => context.noteProblem("workspace_not_measured", error, "warn"),
    });
  }

  /**
   * Ends what the main process has left behind, until nobody holds the output open: a process that was not
   * seen when all were listed is looked for again. One that is never found, because it has left everything
   * by which it could be told, may hold the output open for a limited time only.
   */
  async #endLeftovers(): Promise<void> {
    const { abandoned, settings, ids } = this.#deps.context;
    const output = this.#output;
    const endedAtMs = performance.now();
    for (let times = 1; !output.isClosed; times += 1) {
      await this.terminate();
      const pauseMs = backoffMs(times, FIND_HOLDERS, 1);
      const limitMs = Math.min(pauseMs, output.heldOpenLeftMs(endedAtMs));
      const pause = signalWithin(limitMs, abandoned);
      await Promise.race([output.closed, onceAborted(pause.signal)]).finally(() => pause.release());
      if (output.isClosed) return;
      if (output.heldOpenLeftMs(endedAtMs) > 0 && !abandoned.aborted) continue;
      settings.logger.warn({ event: "output_held_open", ...ids }, "a process that cannot be found");
      output.cut();
      return;
    }
  }
}

async function onceAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
