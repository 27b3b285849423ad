import type { Logger } from "@jobctl/daemon";
import { JobctlError } from "@jobctl/protocol";

/** After the database could not be written. */
export const STORE_AGAIN_MS = 2000;

/** Of so many failures in a row one is logged: some ten minutes apart. */
const LOG_EVERY = 300;

/** Whether the database could not be written, for now. */
export function isNotStored(error: unknown): boolean {
  return (
    error instanceof JobctlError &&
    (error.code === "database_unavailable" || error.code === "storage_full")
  );
}

/**
 * Does work that nobody waits for, and does it again for as long as the database cannot be written.
 *
 * @param work looks anew each time at what is to be done
 */
export function untilStored(what: string, work: () => void, logger: Logger): void {
  attemptStore(what, work, logger, 0);
}

function attemptStore(what: string, work: () => void, logger: Logger, failures: number): void {
  try {
    work();
  } catch (error) {
    if (!isNotStored(error)) throw error;
    if (failures % LOG_EVERY === 0)
      logger.warn({ event: "not_stored", what, failures, err: error });
    setTimeout(() => attemptStore(what, work, logger, failures + 1), STORE_AGAIN_MS).unref();
  }
}
