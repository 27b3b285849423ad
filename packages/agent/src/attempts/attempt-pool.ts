import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

import { isResourceError } from "@jobctl/archive";
import { KeyedEvents, signalWithin } from "@jobctl/daemon";
import {
  JobctlError,
  attemptIdSchema,
  type AttemptReport,
  type AttemptSpec,
} from "@jobctl/protocol";

import type { AttemptSettings } from "./attempt-settings.js";
import { Attempt } from "./attempt.js";
import type { Capacity } from "./capacity.js";
import { isMachineError } from "./machine-error.js";
import { readRecord } from "./record.js";
import { verifyArchive } from "./verify-archive.js";

/** How long an agent that goes down waits for the server to begin to fetch what has finished. */
const FETCH_MS = 3000;

/** And to hear of what was cut off; it hears of the rest when the agent is back, or counts as lost. */
const HAND_BACK_MS = 2000;

/** When a server may try again to send what this machine could not take. */
const TRY_AGAIN_SECONDS = 10;

export type Received = "created" | "known";

export interface PoolSettings extends AttemptSettings {
  /** Why no job can be taken at the moment; null while they can. */
  readonly refusal: () => JobctlError | null;
  /** Called when an attempt has been removed, which may have freed a slot without any report. */
  readonly removed: () => void;
}

/**
 * All attempts of this agent, and the only place that begins and forgets them.
 *
 * Invariant: an id is begun at most once; it stays known, with everything that it left, until the
 * server acknowledges it with a delete.
 */
export class AttemptPool {
  readonly capacity: Capacity;
  readonly #root: string;
  readonly #settings: PoolSettings;
  readonly #changed: (report: AttemptReport) => void;
  readonly #attempts = new Map<string, Attempt>();
  readonly #receiving = new Set<string>();
  readonly #removing = new Map<string, Promise<void>>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #changes = new KeyedEvents<"received" | "removed">();
  #draining = false;

  /** @param changed called with every new report of any attempt */
  constructor(
    root: string,
    capacity: Capacity,
    settings: PoolSettings,
    changed: (report: AttemptReport) => void,
  ) {
    this.#root = root;
    this.capacity = capacity;
    this.#settings = settings;
    this.#changed = changed;
  }

  get draining(): boolean {
    return this.#draining;
  }

  get reports(): AttemptReport[] {
    const held = [...this.#attempts.values()].filter(({ spec }) => !this.#removing.has(spec.id));
    return held.map((attempt) => attempt.report);
  }

  /**
   * An attempt that is held. One that is being received may begin at any moment, and one that is being removed
   * may be sent again soon: whoever asks has to ask again.
   *
   * @throws JobctlError `attempt_not_found`, `attempt_receiving`
   */
  get(id: string): Attempt {
    this.#checkSettled(id);
    return this.find(id);
  }

  /**
   * An attempt that is held, for its files: one that is being received has none yet.
   *
   * @throws JobctlError `attempt_not_found`
   */
  find(id: string): Attempt {
    const attempt = this.#attempts.get(id);
    if (attempt !== undefined) return attempt;
    throw new JobctlError("attempt_not_found", `this agent does not hold attempt ${id}`);
  }

  /**
   * To be called before a result is read, and when it could not be.
   *
   * @throws JobctlError `file_system` when the result is damaged, or cannot be looked at
   */
  async checkResult(id: string): Promise<void> {
    if (!this.#removing.has(id)) await this.#attempts.get(id)?.checkResult();
  }

  /**
   * Takes an attempt on and starts it. The same call again finds it and starts nothing.
   *
   * @param archive read only when the attempt is new
   * @throws JobctlError `draining`, `no_room`, `attempt_receiving`, `idempotency_conflict` when it holds another
   *   attempt with this id, or what is wrong with the archive
   */
  async receive(spec: AttemptSpec, archive: AsyncIterable<Buffer>): Promise<Received> {
    this.#checkSettled(spec.id);
    const held = this.#attempts.get(spec.id);
    if (held !== undefined) {
      checkSameJob(held.spec, spec);
      return "known";
    }
    if (this.#draining) throw draining();
    const refusal = this.#settings.refusal();
    if (refusal !== null) throw refusal;
    this.capacity.reserve(spec);
    this.#receiving.add(spec.id);
    const attempt = this.#newAttempt(spec);
    try {
      await attempt.receive(verifyArchive(archive, spec));
      if (this.#draining) {
        await attempt.discard();
        throw draining();
      }
    } catch (error) {
      this.capacity.release(spec.id);
      throw isMachineError(error) ? await this.#cannotStore(spec, error) : error;
    } finally {
      this.#receiving.delete(spec.id);
      this.#changes.announce("received");
    }
    this.#attempts.set(spec.id, attempt);
    this.#track(spec.id, attempt.run());
    return "created";
  }

  /** @throws JobctlError `attempt_receiving` */
  #checkSettled(id: string): void {
    if (this.#receiving.has(id)) throw notSettled(id, "received");
    if (this.#removing.has(id)) throw notSettled(id, "removed");
  }

  /** Another agent may have what is missing here, or this one later. */
  async #cannotStore(spec: AttemptSpec, error: unknown): Promise<JobctlError> {
    const { storage, logger } = this.#settings;
    const { jobId, attempt } = spec;
    logger.error({ event: "attempt_not_stored", jobId, attempt, err: error });
    await storage.isUsable();
    return new JobctlError(
      isResourceError(error) ? "no_room" : "file_system",
      `this agent cannot store attempt ${spec.id}: ${(error as Error).message}`,
      { retryAfterSeconds: TRY_AGAIN_SECONDS, cause: error },
    );
  }

  /**
   * Forgets an attempt and removes everything it left; stops it first if it runs. Unknown ids are
   * no error: the server may repeat itself. What cannot be removed at the moment is removed later.
   *
   * @throws JobctlError `attempt_receiving`
   */
  async remove(id: string): Promise<void> {
    if (this.#receiving.has(id)) throw notSettled(id, "received");
    const attempt = this.#attempts.get(id);
    if (attempt === undefined) return;
    const removal = this.#removing.get(id) ?? this.#remove(attempt);
    this.#removing.set(id, removal);
    await removal.finally(() => this.#removing.delete(id));
  }

  async #remove(attempt: Attempt): Promise<void> {
    const { id } = attempt.spec;
    await attempt.stop("cancelled");
    attempt.giveUpCollecting();
    await this.#running.get(id);
    this.#attempts.delete(id);
    this.capacity.release(id);
    await attempt.discard();
    this.#changes.announce("removed");
    this.#settings.removed();
  }

  /**
   * The folder is another one than before, or can be used again: attempts without a directory are lost, and
   * directories of attempts that nobody knows are treated as after a restart.
   *
   * @throws the system's error when the folder cannot be read
   */
  async reconcile(): Promise<void> {
    for (const attempt of this.#attempts.values()) attempt.checkDirectory();
    await this.recover();
  }

  /**
   * After a restart: what had finished is offered again, what had ended is packed, and of what was
   * running every process is ended. Nothing is ever run a second time.
   */
  async recover(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    await this.#settings.trash.open();
    for (const id of await readdir(this.#root)) {
      if (!attemptIdSchema.safeParse(id).success) continue;
      if (this.#attempts.has(id) || this.#receiving.has(id)) continue;
      try {
        await this.#recoverAttempt(id);
      } catch (error) {
        // An attempt that cannot be recovered must not stop the agent from starting.
        this.#settings.logger.error({ event: "attempt_not_recovered", attemptId: id, err: error });
      }
    }
  }

  /** Kills what runs without waiting for it. */
  killAll(): void {
    for (const attempt of this.#attempts.values()) attempt.kill();
  }

  /**
   * Takes no new work, and waits until what is being received has been answered, what runs has ended
   * and its results have been fetched, or the time is up; then stops it.
   *
   * @param isFetching whether the server is fetching a result
   */
  async drain(deadlineMs: number, isFetching: () => boolean): Promise<void> {
    this.#draining = true;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([this.#finishAll(isFetching), deadline]);
    clearTimeout(timer);
    const cutOff = [...this.#attempts.values()].filter(({ report }) => isUnderWay(report));
    await Promise.all(cutOff.map((attempt) => attempt.interrupt("agent_stops")));
    // What has ended meanwhile may wait for its output, or for space on the disk.
    for (const attempt of cutOff) attempt.giveUpCollecting();
    await Promise.all(cutOff.map(async ({ spec }) => this.#running.get(spec.id)));
    for (const attempt of this.#attempts.values()) attempt.giveUpCollecting();
    await this.#handBack(cutOff);
  }

  /** Waits, for a moment, until the server knows that it has to run these again. */
  async #handBack(attempts: readonly Attempt[]): Promise<void> {
    const limit = signalWithin(HAND_BACK_MS);
    while (attempts.some(({ spec }) => this.#attempts.has(spec.id)) && !limit.signal.aborted)
      await this.#changes.next("removed", limit.signal);
    limit.release();
  }

  async #finishAll(isFetching: () => boolean): Promise<void> {
    const never = new AbortController().signal;
    while (this.#receiving.size > 0) await this.#changes.next("received", never);
    await Promise.all(this.#running.values());
    while (this.#attempts.size > 0) {
      const limit = signalWithin(FETCH_MS);
      const wasRemoved = await this.#changes.next("removed", limit.signal);
      limit.release();
      if (!wasRemoved && !isFetching()) return;
    }
  }

  async #recoverAttempt(id: string): Promise<void> {
    const { logger, executor, trash } = this.#settings;
    const directory = join(this.#root, id);
    // The server has acknowledged it: there is nothing to be offered again.
    if (trash.isToTake(directory)) return;
    await executor.terminateSurvivors({ attemptId: id, directory });
    const record = await readRecord(join(directory, "record.json"));
    // It was never recorded, so it was never started: the server may send it again.
    if (record === null) return trash.take(directory);
    const attempt = this.#newAttempt(record.spec);
    this.#attempts.set(id, attempt);
    const resumed = attempt.resume(record);
    // Packing may take long. One that was cut off is known as such before the agent answers.
    if (record.report.outcome === null) await resumed;
    else this.#track(id, resumed);
    const { jobId, attempt: number } = record.spec;
    const { state } = attempt.report;
    logger.info({ event: "attempt_recovered", jobId, attempt: number, state });
  }

  #newAttempt(spec: AttemptSpec): Attempt {
    const directory = join(this.#root, spec.id);
    return new Attempt(spec, directory, this.#settings, (changed) => this.#onChange(changed));
  }

  #onChange(attempt: Attempt): void {
    if (!attempt.occupiesSlot) this.capacity.release(attempt.spec.id);
    const { id } = attempt.spec;
    if (this.#attempts.has(id) && !this.#removing.has(id)) this.#changed(attempt.report);
  }

  #track(id: string, work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        // A fault of ours must not end the agent, and the other attempts with it.
        this.#settings.logger.error({ event: "attempt_broken", attemptId: id, err: error });
      })
      .finally(() => this.#running.delete(id));
    this.#running.set(id, tracked);
  }
}

function isUnderWay({ state }: AttemptReport): boolean {
  return state === "accepted" || state === "running";
}

function notSettled(id: string, what: "received" | "removed"): JobctlError {
  return new JobctlError("attempt_receiving", `attempt ${id} is being ${what}`, {
    retryAfterSeconds: 1,
  });
}

/**
 * What the settings of the server say of it may have changed since it was sent; what its user asked for cannot.
 *
 * @throws JobctlError `idempotency_conflict`
 */
function checkSameJob(held: AttemptSpec, sent: AttemptSpec): void {
  const { network, validation } = sent;
  if (isDeepStrictEqual({ ...held, network, validation }, sent)) return;
  throw new JobctlError(
    "idempotency_conflict",
    `this agent holds another attempt ${sent.id}, with archive ${held.archive.sha256}`,
  );
}

function draining(): JobctlError {
  return new JobctlError("draining", "this agent is draining and takes no new work", {
    retryAfterSeconds: 30,
  });
}
