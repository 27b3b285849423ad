import { toJobctlError } from "@jobctl/protocol";

import type { Logger } from "./logger.js";
import { tellParent } from "./parent.js";

/**
 * Runs a daemon's start-up. What goes wrong in it is said once, to the log and to the parent
 * process, and ends the process with the error's exit code.
 */
export async function startDaemon(
  start: () => Promise<{ url: string }>,
  logger: Logger,
): Promise<void> {
  try {
    const { url } = await start();
    logger.info({ event: "ready", url });
    tellParent({ event: "ready", url });
  } catch (thrown) {
    const error = toJobctlError(thrown);
    logger.error(
      { event: "start_failed", code: error.code, hint: error.hint, err: error.cause ?? thrown },
      error.message,
    );
    tellParent({
      event: "start_failed",
      code: error.code,
      message: error.message,
      hint: error.hint,
    });
    process.exit(error.exitCode);
  }
}
