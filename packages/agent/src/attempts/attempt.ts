import { unpackArchive } from "@jobctl/archive";
import { crashPoint } from "@jobctl/daemon";
import type { AttemptReport, AttemptSpec, LogStream, Outcome } from "@jobctl/protocol";

import { findResultProblem } from "../results/stored-result.js";
import {
  attemptPaths,
  directoryState,
  makeAttemptDirectory,
  makeWorkspace,
  type AttemptPaths,
} from "../workspace/workspace.js";
import { AttemptContext } from "./attempt-context.js";
import { AttemptLogs } from "./attempt-logs.js";
import type { AttemptSettings } from "./attempt-settings.js";
import { AttemptState } from "./attempt-state.js";
import { LiveWorkspace } from "./live-workspace.js";
import { messageOf } from "./machine-error.js";
import {
  isInterruption,
  notRun,
  type Interruption,
  type StopCause,
  type StopReason,
} from "./outcome.js";
import type { AttemptRecord } from "./record.js";
import { runScript } from "./run-script.js";
import type { RunningJob } from "./running-job.js";
import { storeResult } from "./store-result.js";

/** What there is of the job: nothing yet, or a process, or what it has left. */
type Phase =
  | { readonly name: "waiting" }
  | { readonly name: "running"; readonly job: RunningJob }
  | { readonly name: "ended"; readonly job: RunningJob | null };

/**
 * One attempt, from the archive that arrives to the result that is fetched.
 *
 * Invariants: a record is on disk before a process starts, and before `finished` is reported; the
 * process is started at most once; once `finished`, nothing of the job is alive and the report does
 * not change any more.
 */
export class Attempt {
  readonly spec: AttemptSpec;
  readonly paths: AttemptPaths;
  readonly liveWorkspace: LiveWorkspace;
  readonly #state: AttemptState;
  readonly #context: AttemptContext;
  readonly #abandon = new AbortController();
  #logs: AttemptLogs | null = null;
  #phase: Phase = { name: "waiting" };
  #cause: StopCause | null = null;
  readonly #stopped = new AbortController();

  /** @param changed called whenever the report has changed */
  constructor(
    spec: AttemptSpec,
    directory: string,
    settings: AttemptSettings,
    changed: (attempt: Attempt) => void,
  ) {
    const { logger } = settings;
    const onChange = (): void => changed(this);
    this.spec = spec;
    this.paths = attemptPaths(directory);
    this.#state = new AttemptState({ spec, recordPath: this.paths.record, logger, onChange });
    const { signal } = this.#abandon;
    this.#context = new AttemptContext(spec, this.paths, settings, this.#state, signal);
    this.liveWorkspace = new LiveWorkspace(this.#context);
  }

  get report(): AttemptReport {
    return this.#state.agedReport;
  }

  get occupiesSlot(): boolean {
    const { state } = this.#state.report;
    return state === "accepted" || state === "running";
  }

  /**
   * Unpacks the archive into a new workspace and records the attempt. When it throws, nothing is
   * left of it.
   */
  async receive(archive: AsyncIterable<Buffer>): Promise<void> {
    const { settings } = this.#context;
    await makeAttemptDirectory(this.paths);
    settings.trash.forget(this.paths.directory);
    try {
      await makeWorkspace(this.paths);
      await unpackArchive(archive, this.paths.workspace, {
        limits: settings.archiveLimits,
        root: this.spec.archive.root,
      });
      this.#logs = await AttemptLogs.open(this.paths, settings.maxLogBytes);
      crashPoint("attempt.unpacked");
      await this.#state.record();
      crashPoint("attempt.accepted");
    } catch (error) {
      await this.discard();
      throw error;
    }
  }

  /** Closes its files, and removes everything that it has on disk, now or when that is possible. Never rejects. */
  async discard(): Promise<void> {
    const { settings, ids } = this.#context;
    await this.#logs?.finish().catch((error: unknown) => {
      settings.logger.warn({ event: "log_not_closed", ...ids, err: error });
    });
    await settings.trash.take(this.paths.directory);
  }

  /**
   * Continues after a restart of the agent: what had ended is packed, and what was cut off has to be run again.
   * Never rejects.
   */
  async resume({ report, moments }: AttemptRecord): Promise<void> {
    this.#state.restore(report, moments);
    if (report.state === "finished" || report.state === "interrupted") return;
    if (report.outcome === null) await this.#reportInterrupted("agent_stops");
    else await this.#store(report.outcome);
  }

  /** Runs the job and collects what it leaves. Never rejects: every problem is an outcome. */
  async run(): Promise<void> {
    const outcome = await this.#runScript();
    const job = this.#job;
    this.#phase = { name: "ended", job };
    if (isInterruption(this.#cause)) return this.#reportInterrupted(this.#cause);
    const hasRun = job?.mayHaveRun ?? false;
    const usage = hasRun ? await usageOf(job) : null;
    this.#state.update({ finishedAt: this.#state.markEnd(), usage, outcome });
    if (!hasRun && outcome.reason === "executor_error") return this.#returnUnstarted(outcome);
    await this.#store(outcome);
  }

  /** To be called when directories may have gone. What runs without one is stopped: its results would have no place. */
  checkDirectory(): void {
    const { state } = this.#state.report;
    if (state === "interrupted" || directoryState(this.paths) !== "gone") return;
    if (state === "finished") void this.#lose(new Error(`${this.paths.directory} is gone`));
    else if (this.occupiesSlot) void this.interrupt("files_lost");
  }

  /**
   * Looks whether its result is there, and whole. Without it the job has to be run again.
   *
   * @throws JobctlError `file_system` when it is not, or that cannot be told
   */
  async checkResult(): Promise<void> {
    const { result } = this.#state.report;
    if (result === null) return;
    const problem = await findResultProblem(this.paths.result, result.sizeBytes);
    if (problem === null) return;
    const verdict = await this.#context.judge(problem.error);
    const isLost = verdict === "lost" || (verdict === "failed" && problem.isDamaged);
    if (isLost && this.#state.report.state === "finished") await this.#lose(problem.error);
    throw problem.error;
  }

  /** Nobody wants the results any more, or the agent goes down, and collects them when it is back. */
  giveUpCollecting(): void {
    this.#abandon.abort();
  }

  /**
   * Stops the job, whatever it is doing; does nothing once it has ended. Never rejects.
   *
   * @returns when nothing of it is alive
   */
  async stop(reason: StopReason): Promise<void> {
    if (this.#cause === null && !this.#hasEnded) {
      this.#cause = reason;
      this.#stopped.abort();
      const { settings, ids } = this.#context;
      settings.logger.info({ event: "attempt_stopping", ...ids, reason });
    }
    await this.#job?.terminate();
  }

  /** Ends every process without an outcome: the job is run elsewhere, or later. Never rejects. */
  async interrupt(why: Interruption): Promise<void> {
    if (this.#hasEnded) return;
    // Also when it is being stopped already: its results are not waited for.
    this.#cause = why;
    this.#stopped.abort();
    await this.#job?.terminate();
  }

  /** Kills what can be reached without waiting. */
  kill(): void {
    if (!this.#hasEnded) this.#job?.kill();
  }

  /** Live output, from a byte offset; null when there is no such log any more. */
  readLog(stream: LogStream, offset: number, follow: boolean, signal: AbortSignal) {
    return this.#logs?.read(stream, offset, follow, signal) ?? null;
  }

  get #job(): RunningJob | null {
    return this.#phase.name === "waiting" ? null : this.#phase.job;
  }

  /** Whether the main process has ended, or none will be started. */
  get #hasEnded(): boolean {
    const phase = this.#phase;
    return phase.name === "ended" || (phase.name === "running" && phase.job.hasExited);
  }

  async #runScript(): Promise<Outcome> {
    const { settings, ids } = this.#context;
    try {
      if (this.#logs === null) throw new Error("the attempt has not been received");
      return await runScript({
        context: this.#context,
        logs: this.#logs,
        cause: () => this.#cause,
        stopped: this.#stopped.signal,
        stop: (reason) => void this.stop(reason),
        onFilesLost: () => void this.interrupt("files_lost"),
        onStart: (job) => {
          this.#phase = { name: "running", job };
        },
      });
    } catch (error) {
      settings.logger.error({ event: "attempt_failed", ...ids, err: error });
      await this.#job?.terminate();
      // Takes no more jobs while none can be started.
      if (this.#job?.mayHaveRun !== true) await settings.canRunJobs();
      return notRun("executor_error", messageOf(error));
    }
  }

  async #store(outcome: Outcome): Promise<void> {
    const stored = await storeResult(this.#context, this.#logs, outcome);
    if (typeof stored === "object") await this.#lose(stored.lost);
  }

  /** Nothing of it has run: another agent can do all of it, and there is nothing to collect. Never rejects. */
  async #returnUnstarted(outcome: Outcome): Promise<void> {
    await this.#recordOrUpdate({ state: "finished", outcome, result: null });
  }

  async #lose(error: unknown): Promise<void> {
    const facts = { event: "attempt_files_lost", ...this.#context.ids, err: error };
    const { logger } = this.#context.settings;
    logger.error(facts, "its files are gone: the job has to be run again");
    await this.#reportInterrupted("files_lost");
  }

  /** Never rejects. */
  async #reportInterrupted(why: Interruption): Promise<void> {
    const finishedAt = this.#state.markEnd();
    const change = { state: "interrupted", outcome: null, result: null, finishedAt } as const;
    await this.#recordOrUpdate(
      why === "files_lost" ? { ...change, interruption: "files_lost" } : change,
    );
  }

  /**
   * Announces a change whose record may be lost: after a restart, an older record, or none, leads to the same
   * result. Never rejects.
   */
  async #recordOrUpdate(change: Partial<AttemptReport>): Promise<void> {
    try {
      await this.#state.record(change);
    } catch (error) {
      this.#context.noteProblem("record_not_stored", error, "warn");
      this.#state.update(change);
    }
  }
}

async function usageOf(job: RunningJob | null): Promise<AttemptReport["usage"]> {
  if (job === null) return null;
  const { wallSeconds, cpuSeconds, maxRssBytes } = await job.usage();
  return { wallSeconds, cpuSeconds, maxRssBytes };
}
