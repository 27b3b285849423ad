import type { z } from "zod";

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
