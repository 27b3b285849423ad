import type { z } from "zod";

import { JobctlError } from "./error.js";

/** A field of a request or a setting that is not as it should be. */
export interface FieldProblem {
  /** Names separated by dots; empty for the whole value. */
  readonly field: string;
  readonly problem: string;
}

/** What a schema has found wrong, one entry a field; of a wrong key, what is wrong with it. */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.map((issue) => ({
    field: issue.path.join("."),
    problem:
      issue.code === "invalid_key"
        ? issue.issues.map(({ message }) => message).join(", ")
        : issue.message,
  }));
}

/** The same as one line. */
export function listProblems(problems: readonly FieldProblem[]): string {
  return problems
    .map(({ field, problem }) => (field === "" ? problem : `${field}: ${problem}`))
    .join("; ");
}

/**
 * Reads what a client has sent.
 *
 * @param what names it in the message
 * @throws JobctlError `invalid_request` that names each field
 */
export function parseRequest<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = fieldProblems(parsed.error);
  throw new JobctlError("invalid_request", `${what} is not valid: ${listProblems(fields)}`, {
    details: { fields },
  });
}
