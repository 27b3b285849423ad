import { JobctlError, fieldProblems, listProblems } from "@jobctl/protocol";
import { z } from "zod";

import type { LogSettings } from "./logger.js";
import type { Secret } from "./secret.js";
import { LONGEST_TIMER_MS } from "./timers.js";

/** Environment as a daemon reads it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads settings from environment variables into one typed object.
 *
 * @param shape what each variable must be; its keys are the variables' names
 * @throws JobctlError `config_invalid` that names every variable that cannot be used
 */
export function readEnvironment<T extends z.ZodObject>(
  shape: T,
  environment: Environment,
): z.infer<T> {
  const given = Object.fromEntries(
    Object.keys(shape.shape).flatMap((name) => {
      const value = environment[name];
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
  const parsed = shape.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = fieldProblems(parsed.error);
  throw new JobctlError("config_invalid", `cannot start: ${listProblems(problems)}`, {
    hint: "Correct these environment variables and start again.",
    details: { problems },
  });
}

/**
 * Does all of these, and throws what is wrong with any of them as one error.
 *
 * @throws JobctlError `config_invalid`; the hint is that of the first
 */
export function readTogether<T extends readonly unknown[]>(
  ...reads: { readonly [K in keyof T]: () => T[K] }
): T {
  const problems: JobctlError[] = [];
  const values = reads.map((read) => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof JobctlError) || error.code !== "config_invalid") throw error;
      problems.push(error);
      return null;
    }
  });
  const [first] = problems;
  if (first === undefined) return values as unknown as T;
  const messages = problems.map(({ message }) => message.replace(/^cannot start: /, ""));
  throw new JobctlError("config_invalid", `cannot start: ${messages.join("; ")}`, {
    hint: first.hint ?? undefined,
    details: first.details ?? undefined,
    cause: first.cause,
  });
}

/** A whole number of at least `min`, from text. */
export function wholeNumber(min: number) {
  return z.coerce
    .number({ error: "must be a whole number" })
    .int("must be a whole number")
    .min(min, `must be at least ${min}`);
}

/** Seconds that a timer can wait, as long as they may be. */
export function seconds(min: number) {
  const max = Math.floor(LONGEST_TIMER_MS / 1000);
  return wholeNumber(min).max(max, `must be at most ${max} (24 days)`);
}

/** Comma-separated names as a list. */
export function nameList() {
  return z.string().transform((text) =>
    text
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
  );
}

/** Settings of the log, for the shape that a daemon gives to `readEnvironment`. */
export const logSettings = {
  JOBCTL_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error"]).default("info"),
  JOBCTL_LOG_FORMAT: z.enum(["json", "pretty"]).default("json"),
  /** A name for the installation, put into every log line. */
  JOBCTL_ENV: z.string().optional(),
};

/** @param secrets what must never be written */
export function readLogSettings(
  read: z.infer<z.ZodObject<typeof logSettings>>,
  secrets: readonly Secret[],
  sentryDsn: Secret | null,
): LogSettings {
  return {
    level: read.JOBCTL_LOG_LEVEL,
    format: read.JOBCTL_LOG_FORMAT,
    env: read.JOBCTL_ENV,
    sentryDsn,
    secrets,
  };
}
