import { isResourceError } from "@jobctl/archive";
import { crashPoint } from "@jobctl/daemon";
import type { AttemptReport, Outcome } from "@jobctl/protocol";

import { ResultTooLarge, collectResult, type Outputs } from "../results/collect.js";
import type { AttemptContext } from "./attempt-context.js";
import type { AttemptLogs } from "./attempt-logs.js";
import { messageOf } from "./machine-error.js";
import { notRun } from "./outcome.js";

/** What became of the results: stored, left where they are for the next start, or gone with their directory. */
export type StoredResult = "stored" | "abandoned" | { readonly lost: unknown };

/**
 * Packs what a job has left and records its outcome. While the disk is full, or cannot be reached, the
 * results stay where they are: they may be weeks of computing. Never rejects.
 */
export async function storeResult(
  context: AttemptContext,
  logs: AttemptLogs | null,
  outcome: Outcome,
): Promise<StoredResult> {
  let failure: Outcome | null = null;
  while (!context.abandoned.aborted) {
    try {
      if (failure === null) await pack(context, logs, outcome);
      else await recordOutcome(context, null, failure);
      return "stored";
    } catch (error) {
      const verdict = await context.judge(error);
      if (verdict === "lost") return { lost: error };
      if (verdict === "failed" && failure === null) {
        context.noteProblem("collect_failed", error);
        const message = `the results could not be packed: ${messageOf(error)}`;
        failure = notRun("executor_error", message);
        continue;
      }
      context.noteProblem("collect_waits", error);
      await context.pauseBeforeRetry();
    }
  }
  return "abandoned";
}

async function pack(
  context: AttemptContext,
  logs: AttemptLogs | null,
  ended: Outcome,
): Promise<void> {
  const { state, spec } = context;
  await logs?.finish();
  const outcome = withLogProblem(context, logs, ended);
  if (state.report.state !== "packing") await state.record({ state: "packing" });
  crashPoint("attempt.packing");
  try {
    const result = await collect(context, outcome, { globs: spec.outputs });
    await recordOutcome(context, result, outcome);
  } catch (error) {
    if (isResourceError(error) || (await context.judge(error)) !== "failed") throw error;
    await packWithoutFiles(context, outcome, error);
  }
}

/** Output that is missing does not change how the job has ended, but has to be told. */
function withLogProblem(
  context: AttemptContext,
  logs: AttemptLogs | null,
  outcome: Outcome,
): Outcome {
  const problem = logs?.problem ?? null;
  if (problem === null) return outcome;
  context.noteProblem("output_missing", new Error(problem));
  return { ...outcome, message: [outcome.message, problem].filter(Boolean).join("; ") };
}

/** Keeps the logs and the report when the files cannot be packed. */
async function packWithoutFiles(
  context: AttemptContext,
  outcome: Outcome,
  error: unknown,
): Promise<void> {
  const isTooLarge = error instanceof ResultTooLarge;
  const problem = isTooLarge ? error.message : `its files could not be packed: ${messageOf(error)}`;
  context.settings.logger.error({ event: "files_not_packed", ...context.ids, err: error });
  const reason = isTooLarge ? "output_limit" : "executor_error";
  // What had gone wrong before stays the reason.
  const withoutFiles: Outcome =
    outcome.reason === "exited"
      ? { ...outcome, reason, message: problem }
      : { ...outcome, message: [outcome.message, problem].filter(Boolean).join("; ") };
  const result = await collect(context, withoutFiles, "none");
  await recordOutcome(context, result, withoutFiles);
}

function collect(
  { spec, settings, state, paths }: AttemptContext,
  outcome: Outcome,
  outputs: Outputs,
) {
  const report = {
    schema: "jobctl.report/v1" as const,
    jobId: spec.jobId,
    attempt: spec.attempt,
    service: spec.service,
    agent: settings.agentName,
    outcome,
    usage: state.report.usage,
    startedAt: state.report.startedAt,
    finishedAt: state.report.finishedAt ?? state.markEnd(),
  };
  const { maxResultBytes, workspaceLimits } = settings;
  const { maxEntries } = workspaceLimits;
  return collectResult(paths, outputs, report, { maxResultBytes, maxEntries });
}

async function recordOutcome(
  { state }: AttemptContext,
  result: AttemptReport["result"],
  outcome: Outcome,
): Promise<void> {
  await state.record({ state: "finished", outcome, result });
  crashPoint("attempt.finished");
}
