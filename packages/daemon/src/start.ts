import { toJobctlError } from "@jobctl/protocol";

import type { Environment } from "./config.js";
import { createErrorReports, type ErrorReports } from "./error-reports.js";
import { BOOT_LOG, createLogger, type Logger, type LogSettings } from "./logger.js";
import { tellParent } from "./parent.js";

interface DaemonConfig {
  readonly log: LogSettings;
}

export interface Daemon<Config extends DaemonConfig> {
  /** Its name in the log. */
  readonly app: string;
  /** @throws JobctlError `config_invalid` */
  readonly readConfig: (environment: Environment) => Config;
  readonly start: (
    config: Config,
    logger: Logger,
    reports: ErrorReports,
  ) => Promise<{ url: string }>;
}

/**
 * Starts a daemon. What goes wrong in it is said once, to the log, to whom errors are reported and to
 * the parent process, and ends the process with the error's exit code.
 */
export async function startDaemon<Config extends DaemonConfig>({
  app,
  readConfig,
  start,
}: Daemon<Config>): Promise<void> {
  let logger: Logger = await createLogger(app, BOOT_LOG);
  let reports: ErrorReports | null = null;
  try {
    const config = readConfig(process.env);
    const opened = await createErrorReports(app, config.log);
    reports = opened;
    logger = await createLogger(app, config.log, (facts, message) => opened.report(facts, message));
    process.removeAllListeners("warning");
    process.on("warning", (warning) => logger.warn({ event: "process_warning", err: warning }));
    process.on("uncaughtException", (error) => {
      logger.error({ event: "crashed", err: error });
      void flushAndExit(opened, 1);
    });
    const { url } = await start(config, logger, opened);
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
    await flushAndExit(reports, error.exitCode);
  }
}

async function flushAndExit(reports: ErrorReports | null, exitCode: number): Promise<never> {
  await reports?.flush();
  process.exit(exitCode);
}
