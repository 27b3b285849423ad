import { pino, type Logger as PinoLogger } from "pino";

export interface LogSettings {
  readonly app: string;
  readonly level: string;
  readonly env?: string | undefined;
}

/**
 * One line of JSON for each event. The first argument carries `event`, a stable name to grep and
 * alert on, and the ids (`jobId`, `attempt`, `agent`, `requestId`) that let one job be followed
 * through both daemons.
 */
export interface Logger {
  debug(facts: LogFacts, message?: string): void;
  info(facts: LogFacts, message?: string): void;
  warn(facts: LogFacts, message?: string): void;
  error(facts: LogFacts, message?: string): void;
}

interface LogFacts {
  readonly event: string;
  readonly [fact: string]: unknown;
}

export function createLogger(settings: LogSettings): PinoLogger {
  return pino({
    level: settings.level,
    base: {
      app: settings.app,
      pid: process.pid,
      ...(settings.env === undefined ? {} : { env: settings.env }),
    },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ["*.authorization", "*.token", "headers.authorization", "token"],
  });
}
