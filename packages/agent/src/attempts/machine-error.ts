import { isResourceError } from "@jobctl/archive";
import { JobctlError } from "@jobctl/protocol";

import type { Exit } from "../executors/executor.js";

/** A sandbox that somebody has killed before its job could begin. */
class KilledBeforeStart extends Error {}

/** Why nothing of a job has run. */
export function notBegun({ signal }: Exit): Error {
  if (signal !== null) return new KilledBeforeStart(`${signal} ended it before its job had begun`);
  return new JobctlError("sandbox_unavailable", "its sandbox could not be made: stderr says why");
}

/** Whether the machine has refused something, which says nothing of the job. */
export function isMachineError(error: unknown): boolean {
  if (error instanceof KilledBeforeStart || isResourceError(error)) return true;
  return error instanceof Error && "syscall" in error;
}
