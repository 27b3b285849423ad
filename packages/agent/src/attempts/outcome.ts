import type { Outcome } from "@jobctl/protocol";

import type { Exit } from "../executors/executor.js";

/** Why the agent stopped a job itself. */
export type StopReason = "cancelled" | "timed_out" | "output_limit" | "disk_full";

/** Why an attempt has to be run again, elsewhere or later: the agent goes down, or has lost its files. */
export type Interruption = "agent_stops" | "files_lost";

/** Why an attempt was stopped. */
export type StopCause = StopReason | Interruption;

export function isInterruption(cause: StopCause | null): cause is Interruption {
  return cause === "agent_stops" || cause === "files_lost";
}

/**
 * How a run ended. What the agent did to it comes first: a job that was told to stop and then exits
 * with 0 was stopped all the same.
 */
export function outcomeOf(exit: Exit, stopped: StopReason | null, message: string | null): Outcome {
  const { exitCode, signal } = exit;
  if (stopped !== null) return { reason: stopped, exitCode, signal, message };
  return { reason: signal === null ? "exited" : "signaled", exitCode, signal, message };
}

/** The limit that a run which ended by itself, and badly, had run into; null when there was none. */
export function exceededLimit(
  exit: Exit,
  outOfMemoryKills: number,
): "oom_killed" | "disk_full" | null {
  if (exit.exitCode === 0) return null;
  if (outOfMemoryKills > 0) return "oom_killed";
  return exit.signal === "SIGXFSZ" ? "disk_full" : null;
}

/** The outcome of a job that never ran. */
export function notRun(
  reason: "rejected" | "cancelled" | "executor_error",
  message: string,
): Outcome {
  return { reason, exitCode: null, signal: null, message };
}

export interface LimitsInForce {
  readonly timeoutSeconds: number;
  readonly memoryBytes: number;
  readonly maxFileBytes: number;
  /** Of each output stream. */
  readonly maxLogBytes: number;
  /** Which limit of its workspace the job has exceeded; null when none. */
  readonly excess: string | null;
}

/** Which limit ended a job, in words; null when that needs none. */
export function explain(
  reason: StopReason | "oom_killed" | null,
  { timeoutSeconds, memoryBytes, maxFileBytes, maxLogBytes, excess }: LimitsInForce,
): string | null {
  switch (reason) {
    case "oom_killed":
      return `it needed more memory than the ${memoryBytes} bytes that it may have`;
    case "disk_full":
      return `stopped: ${excess ?? `a file became larger than ${maxFileBytes} bytes`}`;
    case "timed_out":
      return `stopped after ${timeoutSeconds} s, its time limit`;
    case "output_limit":
      return `stopped after it had written ${maxLogBytes} bytes to one output stream, the limit`;
    default:
      return null;
  }
}
