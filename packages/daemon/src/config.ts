import { readFileSync } from "node:fs";

import { JobctlError, fieldProblems, listProblems } from "@jobctl/protocol";
import { z } from "zod";

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
 * A secret from `NAME`, or from the file that `NAME_FILE` names. The file is preferred: a variable
 * can be read by whoever can read the process.
 *
 * @throws JobctlError `config_invalid` when neither is there, or the file cannot be read
 */
export function readSecret(name: string, environment: Environment): string {
  const file = environment[`${name}_FILE`];
  if (file !== undefined && file !== "") {
    const secret = readSecretFile(name, file);
    if (secret !== "") return secret;
    throw new JobctlError("config_invalid", `cannot start: ${name}_FILE (${file}) is empty`);
  }
  const value = environment[name];
  if (value !== undefined && value !== "") return value;
  throw new JobctlError("config_invalid", `cannot start: ${name}_FILE is not set`, {
    hint: `Put the token into a file that only this user can read, and set ${name}_FILE to its path.`,
  });
}

function readSecretFile(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new JobctlError("config_invalid", `cannot start: ${name}_FILE (${file}) cannot be read`, {
      hint: "Check the path and its permissions.",
      cause: error,
    });
  }
}

/** A whole number of at least `min`, from text. */
export function wholeNumber(min: number) {
  return z.coerce
    .number({ error: "must be a whole number" })
    .int("must be a whole number")
    .min(min, `must be at least ${min}`);
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

export const logSettings = {
  JOBCTL_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error"]).default("info"),
  /** A name for the installation, put into every log line. */
  JOBCTL_ENV: z.string().optional(),
};
