import { pino, type DestinationStream, type Logger as PinoLogger } from "pino";

import type { Secret } from "./secret.js";

export interface LogSettings {
  readonly level: string;
  readonly format: "json" | "pretty";
  readonly env: string | undefined;
  /** Where errors are reported to, when they are. */
  readonly sentryDsn: Secret | null;
  /** Values that are never written, wherever they turn up. */
  readonly secrets: readonly Secret[];
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

export interface LogFacts {
  readonly event: string;
  readonly [fact: string]: unknown;
}

/** Until the settings are known. */
export const BOOT_LOG: LogSettings = {
  level: "info",
  format: "json",
  env: undefined,
  sentryDsn: null,
  secrets: [],
};

/** As pino counts. */
const ERROR_LEVEL = 50;

/**
 * @param onError told of everything that is logged as an error
 */
export async function createLogger(
  app: string,
  settings: LogSettings,
  onError: (facts: LogFacts, message: string | undefined) => void = () => {},
): Promise<PinoLogger> {
  const { level, env, secrets } = settings;
  return pino(
    {
      level,
      base: { app, pid: process.pid, ...(env === undefined ? {} : { env }) },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: ["*.authorization", "*.token", "headers.authorization", "token"],
      hooks: {
        streamWrite: (line) => withoutSecrets(line, secrets),
        logMethod(args, method, at) {
          const [facts, message] = args as unknown as [LogFacts, string | undefined];
          if (at >= ERROR_LEVEL) onError(facts, message);
          method.apply(this, args);
        },
      },
    },
    await destination(settings.format),
  );
}

/** What is shorter is no secret, and may be a part of any word. */
const SHORTEST_SECRET = 8;

export function withoutSecrets(text: string, secrets: readonly Secret[]): string {
  let clean = text;
  for (const { values } of secrets)
    for (const value of values)
      if (value.length >= SHORTEST_SECRET) clean = clean.replaceAll(value, "[redacted]");
  return clean;
}

/** Lines that cannot be written wait, up to so many bytes; what is more is dropped. */
const MAX_WAITING_BYTES = 4 * 1024 ** 2;

/** That nobody takes the log, because its disk is full or its reader is gone, must not end the daemon. */
async function destination(format: LogSettings["format"]): Promise<DestinationStream> {
  const ignore = (): void => {};
  if (format === "json") {
    const stream = pino.destination({ dest: 1, sync: true, maxLength: MAX_WAITING_BYTES });
    return stream.on("error", ignore);
  }
  process.stdout.on("error", ignore);
  const { default: pinoPretty } = await import("pino-pretty");
  const pretty = pinoPretty.prettyFactory({
    colorize: process.stdout.isTTY,
    ignore: "app,pid,env,event",
    messageFormat: "{event} {msg}",
    translateTime: "SYS:HH:MM:ss.l",
    singleLine: true,
  });
  return { write: (line) => void process.stdout.write(pretty(line)) };
}
