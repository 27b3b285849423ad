import type { ErrorReports } from "./error-reports.js";
import type { Logger } from "./logger.js";

/** What asked for the end; `parent_gone` leaves nobody who could use what is still finished. */
type ShutdownCause = "SIGTERM" | "SIGINT" | "parent_gone";

/** A step of the way down. */
export interface ShutdownStep {
  readonly name: string;
  /** After this time the next step begins all the same. */
  readonly timeoutMs: number;
  readonly run: (cause: ShutdownCause) => Promise<void> | void;
}

/**
 * Takes a daemon down in order: the steps run one after the other, each with its own time limit,
 * once, whatever asked for it. A second signal ends the process at once, after `onForce`, which must
 * not wait for anything.
 *
 * It listens for SIGTERM and SIGINT, and, when a parent process holds an IPC channel, for its end:
 * a daemon that `jobctl up` or a test started does not outlive it.
 */
export function shutDownOnSignal(
  steps: readonly ShutdownStep[],
  logger: Logger,
  reports: ErrorReports,
  onForce: () => void = () => {},
): void {
  let stopping = false;
  const stop = (cause: ShutdownCause): void => {
    if (stopping) {
      if (cause === "parent_gone") return;
      onForce();
      process.exit(1);
    }
    stopping = true;
    logger.info({ event: "shutdown_started", cause });
    void runSteps(steps, cause, logger).then(async (clean) => {
      logger.info({ event: "shutdown_finished", clean });
      await reports.flush();
      process.exit(clean ? 0 : 1);
    });
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  process.on("disconnect", () => stop("parent_gone"));
}

async function runSteps(
  steps: readonly ShutdownStep[],
  cause: ShutdownCause,
  logger: Logger,
): Promise<boolean> {
  let clean = true;
  for (const step of steps) {
    try {
      await withTimeout(step, cause);
    } catch (error) {
      clean = false;
      logger.error({ event: "shutdown_step_failed", step: step.name, err: error });
    }
  }
  return clean;
}

async function withTimeout(step: ShutdownStep, cause: ShutdownCause): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${step.name} took longer than ${step.timeoutMs} ms`)),
      step.timeoutMs,
    );
  });
  try {
    await Promise.race([step.run(cause), expired]);
  } finally {
    clearTimeout(timer);
  }
}
