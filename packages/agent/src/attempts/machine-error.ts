import { isStorageError } from "@jobctl/archive";
import { JobctlError } from "@jobctl/protocol";

import type { Exit } from "../executors/executor.js";

/**
 * Why nothing of a job has run.
 *
 * @param said what the programs that were to start it have printed
 */
export function notBegun({ exitCode, signal }: Exit, said: string): Error {
  const end = signal === null ? `exit code ${exitCode}` : signal;
  const words = said.trim() === "" ? "" : `: ${said.trim()}`;
  return new JobctlError("sandbox_unavailable", `${end} before the job had begun${words}`);
}

/** Whether the machine has refused something, which says nothing of the job. */
export function isMachineError(error: unknown): boolean {
  if (isStorageError(error)) return true;
  return error instanceof Error && "syscall" in error;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
