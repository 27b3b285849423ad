import { once } from "node:events";
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { TAR_END, isResourceError, packTree, unpackArchive } from "@jobctl/archive";
import { backoffMs, callAfter, crashPoint, signalWithin } from "@jobctl/daemon";
import {
  JobctlError,
  RUN_SCRIPT,
  type AttemptReport,
  type AttemptSpec,
  type LogStream,
  type Outcome,
} from "@jobctl/protocol";

import type { Execution } from "../executors/executor.js";
import { jobEnvironment } from "../executors/environment.js";
import { ResultTooLarge, collectResult, type Outputs } from "../results/collect.js";
import { DiskGuard, freeBytesOf } from "../workspace/disk-guard.js";
import { unlinkedBytes } from "../workspace/unlinked-files.js";
import {
  attemptPaths,
  directoryState,
  makeAttemptDirectory,
  makeWorkspace,
  openWorkspace,
  type AttemptPaths,
} from "../workspace/workspace.js";
import type { AttemptSettings } from "./attempt-settings.js";
import { AttemptLogs } from "./attempt-logs.js";
import {
  NOT_STARTED,
  finished,
  started,
  withAges,
  type AttemptMoments,
} from "./attempt-moments.js";
import { checkScripts, describeRejection, type ScriptCheck } from "./check-script.js";
import { notBegun } from "./machine-error.js";
import { exceededLimit, explain, notRun, outcomeOf, type StopReason } from "./outcome.js";
import { writeRecord } from "./record.js";
import { RepeatedProblem } from "./repeated-problem.js";

/** Each walks the whole workspace, and holds up to seventy descriptors and the names of a directory. */
const MAX_READERS = 4;
/** Most entries of a workspace that are sent while its job runs. */
const MAX_LIVE_ENTRIES = 100_000;

/** Most of what a program has said that is passed on in a message, in characters. */
const MAX_SAID = 500;

/** How often it is tried again to store what there was no space for. */
const STORE_AGAIN_MS = 2000;
/** When it is looked again for what holds the output of a job open. */
const LOOK_AGAIN = { firstMs: 1000, maxMs: 30_000 };

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
  readonly #settings: AttemptSettings;
  readonly #changed: (attempt: Attempt) => void;
  #report: AttemptReport;
  #moments = NOT_STARTED;
  #logs: AttemptLogs | null = null;
  #execution: Execution | null = null;
  #stopped: StopReason = null;
  #ended = false;
  #overflowed = false;
  #interrupted = false;
  #readers = 0;
  /** Whether anything of the job may have run. */
  #begun = false;
  /** Whether nothing of the job is alive any more. */
  #isOver = false;
  #outputCut = false;
  /** Streams whose output waits until the disk takes it. */
  #waitingLogs = 0;
  #logsWaitedUntilMs = -Infinity;
  readonly #givenUp = new AbortController();
  /** Ends the check of its scripts. */
  readonly #unstarted = new AbortController();
  readonly #problems: RepeatedProblem;
  #excess: string | null = null;
  #stopping: Promise<void> | null = null;

  /** @param changed called whenever the report has changed */
  constructor(
    spec: AttemptSpec,
    directory: string,
    settings: AttemptSettings,
    changed: (attempt: Attempt) => void,
  ) {
    this.spec = spec;
    this.paths = attemptPaths(directory);
    this.#settings = settings;
    this.#changed = changed;
    this.#problems = new RepeatedProblem(settings.logger);
    this.#report = {
      id: spec.id,
      state: "accepted",
      startedAt: null,
      finishedAt: null,
      outcome: null,
      findings: [],
      usage: null,
      result: null,
    };
  }

  get report(): AttemptReport {
    return withAges(this.#report, this.#moments);
  }

  get occupiesSlot(): boolean {
    return this.#report.state === "accepted" || this.#report.state === "running";
  }

  /**
   * Unpacks the archive into a new workspace and records the attempt. When it throws, nothing is
   * left of it.
   */
  async receive(archive: AsyncIterable<Buffer>): Promise<void> {
    await makeAttemptDirectory(this.paths);
    this.#settings.trash.forget(this.paths.directory);
    try {
      await makeWorkspace(this.paths);
      await unpackArchive(archive, this.paths.workspace, {
        limits: this.#settings.archiveLimits,
        root: this.spec.archive.root,
      });
      this.#logs = await AttemptLogs.open(this.paths, this.#settings.maxLogBytes);
      crashPoint("attempt.unpacked");
      await this.#record();
      crashPoint("attempt.accepted");
    } catch (error) {
      await this.discard();
      throw error;
    }
  }

  /** Closes its files, and removes everything that it has on disk, now or when that is possible. Never rejects. */
  async discard(): Promise<void> {
    await this.#logs?.finish().catch((error: unknown) => {
      this.#settings.logger.warn({ event: "log_not_closed", ...this.#ids(), err: error });
    });
    await this.#settings.trash.take(this.paths.directory);
  }

  /** Takes up when an attempt started and ended before the agent was restarted. */
  restoreMoments(moments: AttemptMoments): void {
    this.#moments = moments;
  }

  /** Takes up an attempt that had finished before the agent was restarted. */
  restore(report: AttemptReport): void {
    this.#report = report;
  }

  /** Takes note that an attempt was cut off, and is to be run elsewhere. Never rejects. */
  async interrupted(report: AttemptReport): Promise<void> {
    this.#report = { ...report, outcome: null, result: null };
    const change = { state: "interrupted", finishedAt: this.#noteEnd() } as const;
    try {
      await this.#record(change);
    } catch (error) {
      // The record says that it was being run, which comes to the same; or it is gone.
      this.#problems.note({ event: "record_not_stored", ...this.#ids() }, error, "warn");
      this.#update(change);
    }
  }

  /** Finishes an attempt whose process had ended when the agent died, from its record. */
  async resumePacking(report: AttemptReport, outcome: Outcome): Promise<void> {
    this.#report = report;
    await this.#collectWhenPossible(outcome);
  }

  /** Runs the job and collects what it leaves. Never rejects: every problem is an outcome. */
  async run(): Promise<void> {
    const { logger } = this.#settings;
    let outcome: Outcome;
    try {
      outcome = await this.#runScript();
    } catch (error) {
      logger.error({ event: "attempt_failed", ...this.#ids(), err: error });
      await this.#terminate();
      outcome = notRun("executor_error", messageOf(error));
      // Takes no more jobs while none can be started.
      if (!this.#begun) await this.#settings.canRunJobs();
    }
    this.#ended = true;
    if (this.#interrupted) return this.interrupted(this.#report);
    this.#update({
      finishedAt: this.#noteEnd(),
      usage: this.#begun ? await this.#usage() : null,
      outcome,
    });
    if (!this.#begun && outcome.reason === "executor_error") return this.#returnUnbegun(outcome);
    await this.#collectWhenPossible(outcome);
  }

  /** Nothing of it has run: another agent can do all of it, and there is nothing to collect. Never rejects. */
  async #returnUnbegun(outcome: Outcome): Promise<void> {
    const change = { state: "finished", outcome, result: null } as const;
    await this.#record(change).catch((error: unknown) => {
      // Often what kept it from starting. After a restart of the agent it counts as cut off.
      this.#problems.note({ event: "record_not_stored", ...this.#ids() }, error, "warn");
      this.#update(change);
    });
  }

  /**
   * While the disk is full, or cannot be reached, the results stay where they are: they may be weeks of
   * computing. Never rejects.
   */
  async #collectWhenPossible(outcome: Outcome): Promise<void> {
    const { signal } = this.#givenUp;
    let failure: Outcome | null = null;
    while (!signal.aborted) {
      try {
        if (failure === null) await this.#pack(outcome);
        else await this.#conclude(null, failure);
        return;
      } catch (error) {
        const verdict = await this.#judge(error);
        if (verdict === "lost") return this.#lose(error);
        if (verdict === "failed" && failure === null) {
          this.#problems.note({ event: "collect_failed", ...this.#ids() }, error);
          const message = `the results could not be packed: ${messageOf(error)}`;
          failure = notRun("executor_error", message);
          continue;
        }
        this.#problems.note({ event: "collect_waits", ...this.#ids() }, error);
        await delay(STORE_AGAIN_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** What it means that its files could not be read or written. */
  async #judge(error: unknown): Promise<"waits" | "lost" | "failed"> {
    const { storage, storageDeadMs } = this.#settings;
    if (!(await storage.isUsable())) return storage.unusableMs > storageDeadMs ? "lost" : "waits";
    const directory = directoryState(this.paths);
    if (directory === "gone") return "lost";
    return directory === "unknown" || isResourceError(error) ? "waits" : "failed";
  }

  async #lose(error: unknown): Promise<void> {
    const facts = { event: "attempt_files_lost", ...this.#ids(), err: error };
    this.#settings.logger.error(facts, "its directory is gone: the job has to be run again");
    await this.interrupted(this.#report);
  }

  /** To be called when directories may have gone. What runs without one is stopped: its results would have no place. */
  checkDirectory(): void {
    const { state } = this.#report;
    if (state === "interrupted" || directoryState(this.paths) !== "gone") return;
    if (state === "finished") void this.#lose(new Error(`${this.paths.directory} is gone`));
    else if (this.occupiesSlot) void this.interrupt();
  }

  /**
   * To be called when its result could not be read, with the error. Without its directory it has to be run again.
   * Never rejects.
   */
  async checkResult(error: unknown): Promise<void> {
    if (this.#report.state !== "finished" || (await this.#judge(error)) !== "lost") return;
    if (this.#report.state === "finished") await this.#lose(error);
  }

  /** Nobody wants the results any more, or the agent goes down, and collects them when it is back. */
  giveUpCollecting(): void {
    this.#givenUp.abort();
  }

  /**
   * Stops the job, whatever it is doing; does nothing once it has ended. Never rejects.
   *
   * @returns when nothing of it is alive
   */
  async stop(reason: Exclude<StopReason, null>): Promise<void> {
    if (this.#stopped === null && !this.#ended) {
      this.#stopped = reason;
      this.#settings.logger.info({ event: "attempt_stopping", ...this.#ids(), reason });
      this.#unstarted.abort();
    }
    await this.#terminate();
  }

  /** Stops the job without waiting for it. */
  stopSoon(reason: Exclude<StopReason, null>): void {
    void this.stop(reason);
  }

  /** Ends every process without an outcome: the job is run elsewhere, or later. Never rejects. */
  async interrupt(): Promise<void> {
    if (this.#ended) return;
    this.#interrupted = true;
    this.#unstarted.abort();
    await this.#terminate();
  }

  /** Kills what can be reached without waiting. */
  kill(): void {
    if (!this.#ended) this.#execution?.kill();
  }

  /** Live output, from a byte offset; null when there is no such log any more. */
  readLog(stream: LogStream, offset: number, follow: boolean, signal: AbortSignal) {
    return this.#logs?.read(stream, offset, follow, signal) ?? null;
  }

  /**
   * The workspace as it is now, as an archive. What cannot be read, or changes meanwhile, is not in
   * it; the stream fails with `archive_too_large` where a result would be too large as well.
   *
   * @throws JobctlError `overloaded` when too many are reading it
   */
  packWorkspace(): AsyncGenerator<Buffer> {
    if (this.#readers < MAX_READERS) return this.#packWorkspace();
    throw new JobctlError(
      "overloaded",
      `the workspace of attempt ${this.spec.id} is being read ${MAX_READERS} times already`,
      { retryAfterSeconds: 1 },
    );
  }

  async *#packWorkspace(): AsyncGenerator<Buffer> {
    const { maxResultBytes, workspaceLimits } = this.#settings;
    const maxEntries = Math.min(workspaceLimits.maxEntries, MAX_LIVE_ENTRIES);
    const workspace = openWorkspace(this.paths);
    this.#readers += 1;
    try {
      yield* packTree(workspace, { wanted: () => true, maxEntries }, maxResultBytes);
      yield TAR_END;
    } finally {
      workspace.close();
      this.#readers -= 1;
    }
  }

  /** Null when the attempt is stopped meanwhile. */
  async #checkScripts(): Promise<ScriptCheck | null> {
    const { network, validation } = this.spec;
    const { signal } = this.#unstarted;
    try {
      return await checkScripts(this.#settings.checker, {
        workspace: this.paths.workspace,
        policy: { network, ...validation },
        signal,
      });
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  async #runScript(): Promise<Outcome> {
    if (this.#stopped === "cancelled")
      return notRun("cancelled", "cancelled before it was started");
    const script = join(this.paths.workspace, RUN_SCRIPT);
    if (lstatSync(script, { throwIfNoEntry: false }) === undefined) {
      return notRun("rejected", `there is no ${RUN_SCRIPT} in the job`);
    }
    const check = await this.#checkScripts();
    if (check === null) return notRun("cancelled", "cancelled before it was started");
    const { accepted, findings } = check;
    this.#update({ findings });
    if (!accepted) return notRun("rejected", describeRejection(findings));
    const { moments, startedAt } = started();
    this.#moments = moments;
    await this.#record({ state: "running", startedAt });
    crashPoint("attempt.recorded");
    const { executor, jobLimits, maxMemoryBytes, workspaceLimits } = this.#settings;
    const freeBytesBefore = await freeBytesOf(this.paths.directory);
    const execution = await executor.start({
      agentName: this.#settings.agentName,
      attemptId: this.spec.id,
      directory: this.paths.directory,
      workspace: this.paths.workspace,
      environment: jobEnvironment(this.spec, executor.layout(this.paths)),
      limits: {
        ...jobLimits,
        cpus: this.spec.cpus,
        memoryBytes: this.spec.memoryBytes ?? maxMemoryBytes,
      },
      network: this.spec.network,
    });
    this.#execution = execution;
    this.#begun = true;
    crashPoint("attempt.started");
    this.#update({});
    if (this.#stopped !== null) this.stopSoon(this.#stopped);
    if (this.#interrupted) execution.kill();
    const timeLimitMs = this.spec.timeoutSeconds * 1000;
    const callOff = callAfter(timeLimitMs, () => this.stopSoon("timed_out"));
    const guard = new DiskGuard({
      openWorkspace: () => openWorkspace(this.paths),
      volume: this.paths.directory,
      freeBytesBefore,
      unlinkedBytes: async () => unlinkedBytes(await execution.processes(), this.paths.directory),
      limits: workspaceLimits,
      onExceeded: (message) => {
        this.#excess = message;
        this.stopSoon("disk_full");
      },
      onFailure: (error) => {
        this.#problems.note({ event: "workspace_not_measured", ...this.#ids() }, error, "warn");
      },
    });
    const written = this.#capture(execution).catch((error: unknown) => {
      if (this.#outputCut) return;
      this.#problems.note({ event: "output_not_kept", ...this.#ids() }, error);
    });
    const exit = await execution.exited;
    crashPoint("attempt.exited");
    this.#ended = true;
    this.#begun = exit.begun;
    guard.stop();
    await this.#endAll(execution, written);
    callOff();
    this.#isOver = true;
    const { outOfMemoryKills } = await execution.usage();
    // A job that may have less memory than its start takes cannot be run anywhere.
    if (!exit.begun && this.#stopped === null && outOfMemoryKills === 0)
      throw notBegun(exit, await this.#firstErrors());
    const stopped = this.#stopped ?? (this.#overflowed ? "output_limit" : null);
    const limit = stopped === null ? exceededLimit(exit, outOfMemoryKills) : null;
    const explanation = explain(limit ?? stopped, {
      timeoutSeconds: this.spec.timeoutSeconds,
      memoryBytes: this.spec.memoryBytes ?? maxMemoryBytes,
      maxFileBytes: jobLimits.maxFileBytes,
      maxLogBytes: this.#settings.maxLogBytes,
      excess: this.#excess,
    });
    if (limit !== null) return { ...outcomeOf(exit, null, explanation), reason: limit };
    return outcomeOf(exit, stopped, explanation);
  }

  /**
   * Keeps what the job prints; what does not fit ends it. While the disk is full nothing is read, so that a
   * job that prints waits, and nothing of its output is lost.
   */
  async #capture({ stdout, stderr }: Execution): Promise<void> {
    const { signal } = this.#givenUp;
    const events = {
      onFull: async (problem: unknown): Promise<boolean> => {
        if (signal.aborted || this.#stopped !== null || this.#interrupted) return false;
        this.#waitingLogs += 1;
        try {
          if ((await this.#judge(problem)) === "lost") {
            // Its output would have a gap: it has to be run again.
            void this.interrupt();
            return false;
          }
          this.#problems.note({ event: "log_waits", ...this.#ids() }, problem);
          await delay(STORE_AGAIN_MS, undefined, { signal }).catch(() => {});
          return true;
        } finally {
          this.#waitingLogs -= 1;
          this.#logsWaitedUntilMs = performance.now();
        }
      },
      onOverflow: (): void => {
        this.#overflowed = true;
        this.stopSoon("output_limit");
      },
    };
    await Promise.all([
      this.#logs?.capture(stdout, "stdout", events),
      this.#logs?.capture(stderr, "stderr", events),
    ]);
  }

  /** What has been printed to stderr first. */
  async #firstErrors(): Promise<string> {
    const { signal } = new AbortController();
    let text = "";
    try {
      for await (const chunk of this.#logs?.read("stderr", 0, false, signal) ?? []) {
        text += chunk.toString("utf8");
        if (text.length >= MAX_SAID) break;
      }
    } catch {
      // The error is told without it.
    }
    return text.slice(0, MAX_SAID);
  }

  async #usage(): Promise<AttemptReport["usage"]> {
    const usage = await this.#execution?.usage();
    if (usage === undefined) return null;
    const { wallSeconds, cpuSeconds, maxRssBytes } = usage;
    return { wallSeconds, cpuSeconds, maxRssBytes };
  }

  /**
   * Ends what the job has left, until nobody holds its output open any more: a process that was not seen
   * when all were listed is looked for again. One that is never found, because it has left everything by which
   * it could be told, holds the output open for a limited time only.
   *
   * @param written resolves when the job's output has been read to its end
   */
  async #endAll({ stdout, stderr }: Execution, written: Promise<void>): Promise<void> {
    const { heldOutputMs, logger } = this.#settings;
    const output = { isClosed: false };
    const closed = written.then(() => {
      output.isClosed = true;
    });
    const endedAtMs = performance.now();
    // What waits for space on the disk is not held open by anybody.
    const leftMs = (): number => {
      if (this.#waitingLogs > 0) return heldOutputMs;
      const sinceMs = Math.max(endedAtMs, this.#logsWaitedUntilMs);
      return Math.max(0, sinceMs + heldOutputMs - performance.now());
    };
    for (let times = 1; !output.isClosed; times += 1) {
      await this.#terminate();
      const pauseMs = backoffMs(times, LOOK_AGAIN, 1);
      const pause = signalWithin(Math.min(pauseMs, leftMs()), this.#givenUp.signal);
      await Promise.race([closed, onceAborted(pause.signal)]).finally(() => pause.release());
      if (output.isClosed || (leftMs() > 0 && !this.#givenUp.signal.aborted)) continue;
      logger.warn({ event: "output_held_open", ...this.#ids() }, "a process that cannot be found");
      this.#outputCut = true;
      stdout.destroy();
      stderr.destroy();
      return;
    }
  }

  /** One at a time; each looks anew for what is alive. */
  #terminate(): Promise<void> {
    if (this.#execution === null || this.#isOver) return Promise.resolve();
    const isCutOff = this.#stopped !== null || this.#interrupted;
    const grace = isCutOff ? this.#settings.killGraceMs : 0;
    this.#stopping ??= this.#execution
      .terminate(grace, (problem) => {
        this.#problems.note({ event: "job_does_not_end", ...this.#ids() }, problem);
      })
      .finally(() => {
        this.#stopping = null;
      });
    return this.#stopping;
  }

  async #pack(outcome: Outcome): Promise<void> {
    await this.#logs?.finish();
    if (this.#report.state !== "packing") await this.#record({ state: "packing" });
    crashPoint("attempt.packing");
    await this.#finish(outcome);
  }

  /** Keeps the logs and the report even when the files cannot be packed. */
  async #finish(outcome: Outcome): Promise<void> {
    try {
      const outputs = { globs: this.spec.outputs };
      await this.#conclude(await this.#collect(outcome, outputs), outcome);
    } catch (error) {
      if (isResourceError(error) || (await this.#judge(error)) !== "failed") throw error;
      const problem =
        error instanceof ResultTooLarge
          ? error.message
          : `its files could not be packed: ${messageOf(error)}`;
      this.#settings.logger.error({ event: "files_not_packed", ...this.#ids(), err: error });
      const reason = error instanceof ResultTooLarge ? "output_limit" : "executor_error";
      // What had gone wrong before stays the reason.
      const withoutFiles: Outcome =
        outcome.reason === "exited"
          ? { ...outcome, reason, message: problem }
          : { ...outcome, message: [outcome.message, problem].filter(Boolean).join("; ") };
      await this.#conclude(await this.#collect(withoutFiles, "none"), withoutFiles);
    }
  }

  #collect(outcome: Outcome, outputs: Outputs) {
    const report = {
      schema: "jobctl.report/v1" as const,
      jobId: this.spec.jobId,
      attempt: this.spec.attempt,
      service: this.spec.service,
      agent: this.#settings.agentName,
      outcome,
      usage: this.#report.usage,
      startedAt: this.#report.startedAt,
      finishedAt: this.#report.finishedAt ?? this.#noteEnd(),
    };
    const { maxResultBytes, workspaceLimits } = this.#settings;
    const { maxEntries } = workspaceLimits;
    return collectResult(this.paths, outputs, report, { maxResultBytes, maxEntries });
  }

  async #conclude(result: AttemptReport["result"], outcome: Outcome): Promise<void> {
    await this.#record({ state: "finished", outcome, result });
    crashPoint("attempt.finished");
  }

  /** @returns the time of its end, which is now */
  #noteEnd(): string {
    const { moments, finishedAt } = finished(this.#moments, this.#report);
    this.#moments = moments;
    return finishedAt;
  }

  /** Makes a change durable, then tells of it. */
  async #record(change: Partial<AttemptReport> = {}): Promise<void> {
    const report = { ...this.#report, ...change };
    await writeRecord(this.paths.record, { spec: this.spec, report, moments: this.#moments });
    // What has been learned meanwhile stays.
    this.#update(change);
  }

  #update(change: Partial<AttemptReport>): void {
    this.#report = { ...this.#report, ...change };
    const { state, outcome } = change;
    if (state !== undefined)
      this.#settings.logger.info({ event: `attempt_${state}`, ...this.#ids(), ...outcome });
    this.#changed(this);
  }

  #ids() {
    return { jobId: this.spec.jobId, attempt: this.spec.attempt };
  }
}

async function onceAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
