import type { Outcome } from "@jobctl/protocol";

import type { Exit } from "../executors/executor.js";

/** Why the agent stopped a job itself; null when it did not. */
export type StopReason = "cancelled" | "timed_out" | "output_limit" | null;

/**
 * How a run ended. What the agent did to it comes first: a job that was told to stop and then exits
 * with 0 was stopped all the same.
 */
export function outcomeOf(exit: Exit, stopped: StopReason, message: string | null = null): Outcome {
  const { exitCode, signal } = exit;
  if (stopped !== null) return { reason: stopped, exitCode, signal, message };
  return { reason: signal === null ? "exited" : "signaled", exitCode, signal, message };
}

/** The outcome of a job that never ran. */
export function notRun(
  reason: "rejected" | "cancelled" | "executor_error",
  message: string,
): Outcome {
  return { reason, exitCode: null, signal: null, message };
}
