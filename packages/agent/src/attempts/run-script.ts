import { lstatSync } from "node:fs";
import { join } from "node:path";

import { crashPoint } from "@jobctl/daemon";
import { RUN_SCRIPT, type Outcome } from "@jobctl/protocol";

import { jobEnvironment } from "../executors/environment.js";
import type { Execution, Exit } from "../executors/executor.js";
import { freeBytesOf } from "../workspace/disk-guard.js";
import type { AttemptContext } from "./attempt-context.js";
import type { AttemptLogs } from "./attempt-logs.js";
import { checkScripts, describeRejection } from "./check-script.js";
import { notBegun } from "./machine-error.js";
import {
  exceededLimit,
  explain,
  isInterruption,
  notRun,
  outcomeOf,
  type StopCause,
  type StopReason,
} from "./outcome.js";
import { RunningJob } from "./running-job.js";

/** Most of what a program printed that is passed on in a message, in characters. */
const MAX_QUOTED = 500;

interface RunDeps {
  readonly context: AttemptContext;
  readonly logs: AttemptLogs;
  /** Why the job is to be stopped; null while it is not. */
  readonly cause: () => StopCause | null;
  readonly stop: (reason: StopReason) => void;
  /** Called when the files of the attempt are gone. */
  readonly onFilesLost: () => void;
  /** Called with the job as soon as its process has been started. */
  readonly onStart: (job: RunningJob) => void;
}

/**
 * Checks run.sh, runs it, and waits until nothing of the job is alive.
 *
 * @throws what kept the job from being started
 */
export async function runScript(deps: RunDeps): Promise<Outcome> {
  const { context, cause } = deps;
  if (cause() === "cancelled") return notRun("cancelled", "cancelled before it was started");
  const rejection = checkWorkspace(context);
  if (rejection !== null) return notRun("rejected", rejection);
  await context.state.record({ state: "running", startedAt: context.state.markStart() });
  crashPoint("attempt.recorded");
  const job = await startJob(deps);
  const exit = await job.waitForEnd(() => crashPoint("attempt.exited"));
  return outcomeOfRun(deps, job, exit);
}

/** @returns why the job must not run; null when it may */
function checkWorkspace({ paths, spec, state }: AttemptContext): string | null {
  const script = join(paths.workspace, RUN_SCRIPT);
  if (lstatSync(script, { throwIfNoEntry: false }) === undefined)
    return `there is no ${RUN_SCRIPT} in the job`;
  const policy = { network: spec.network, ...spec.validation };
  const { accepted, findings } = checkScripts(paths.workspace, policy);
  state.update({ findings });
  return accepted ? null : describeRejection(findings);
}

async function startJob(deps: RunDeps): Promise<RunningJob> {
  const { context, logs, cause, stop, onFilesLost } = deps;
  const freeBytesBefore = await freeBytesOf(context.paths.directory);
  const execution = await startExecution(context);
  const job = new RunningJob({
    context,
    execution,
    logs,
    freeBytesBefore,
    cause,
    stop,
    onFilesLost,
  });
  deps.onStart(job);
  crashPoint("attempt.started");
  context.state.update({});
  // It may have been stopped while its process was started.
  if (isInterruption(cause())) job.kill();
  else if (cause() !== null) void job.terminate();
  return job;
}

function startExecution({ spec, paths, settings }: AttemptContext): Promise<Execution> {
  const { executor, jobLimits, maxMemoryBytes } = settings;
  return executor.start({
    agentName: settings.agentName,
    attemptId: spec.id,
    directory: paths.directory,
    workspace: paths.workspace,
    environment: jobEnvironment(spec, executor.layout(paths)),
    limits: { ...jobLimits, cpus: spec.cpus, memoryBytes: spec.memoryBytes ?? maxMemoryBytes },
    network: spec.network,
  });
}

async function outcomeOfRun(deps: RunDeps, job: RunningJob, exit: Exit): Promise<Outcome> {
  const { spec, settings } = deps.context;
  const { outOfMemoryKills } = await job.usage();
  const cause = deps.cause();
  // A job that may have less memory than its start takes cannot be run anywhere.
  const stopped = isInterruption(cause) ? null : cause;
  if (!exit.begun && stopped === null && outOfMemoryKills === 0)
    throw notBegun(exit, await firstErrors(deps.logs));
  const reason = stopped ?? (job.outputOverflowed ? "output_limit" : null);
  const limit = reason === null ? exceededLimit(exit, outOfMemoryKills) : null;
  const explanation = explain(limit ?? reason, {
    timeoutSeconds: spec.timeoutSeconds,
    memoryBytes: spec.memoryBytes ?? settings.maxMemoryBytes,
    maxFileBytes: settings.jobLimits.maxFileBytes,
    maxLogBytes: settings.maxLogBytes,
    excess: job.excess,
  });
  if (limit !== null) return { ...outcomeOf(exit, null, explanation), reason: limit };
  return outcomeOf(exit, reason, explanation);
}

/** The beginning of what was printed to stderr. */
async function firstErrors(logs: AttemptLogs): Promise<string> {
  const { signal } = new AbortController();
  let text = "";
  try {
    for await (const chunk of logs.read("stderr", 0, false, signal)) {
      text += chunk.toString("utf8");
      if (text.length >= MAX_QUOTED) break;
    }
  } catch {
    // The error is told without it.
  }
  return text.slice(0, MAX_QUOTED);
}
