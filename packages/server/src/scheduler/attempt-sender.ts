import { backoffMs, crashPoint, signalWithin, type Logger } from "@jobctl/daemon";
import { JobctlError, attemptId, toJobctlError } from "@jobctl/protocol";

import type { AgentLink } from "../agents/agent-link.js";
import type { BlobStore } from "../blobs/blob-store.js";
import type { HeardReport } from "../heard-report.js";
import type { AttemptService } from "../jobs/attempt-service.js";
import type { JobRow } from "../store/job-row.js";
import { attemptSpec, type JobPolicy } from "./attempt-spec.js";
import { ArchiveReader } from "./archive-reader.js";
import { refusalKind } from "./refusal-kind.js";
import { UnsentJobs, pauseAgent, type Unsent } from "./unsent-jobs.js";
import { STORE_AGAIN_MS, isNotStored } from "./until-stored.js";

const RESEND = { firstMs: 100, maxMs: 5000 };
/** Tries of one attempt, each of which may have arrived, before another agent gets its turn. */
const MAX_SENDS = 5;
/** Tries while the agent says that it is receiving the attempt already, over another connection. */
const MAX_RECEIVING = 120;

export interface AttemptSenderParts {
  readonly attempts: AttemptService;
  readonly blobs: Pick<BlobStore, "content" | "readThrough" | "withBlob">;
  readonly policyOf: (service: string) => JobPolicy;
  /** Called with what an agent says of an attempt when it takes it. */
  readonly onReport: (link: AgentLink, report: HeardReport) => void;
  /** Stops and deletes an attempt on an agent that may hold it. */
  readonly discard: (link: AgentLink, id: string) => void;
  /** Called with what keeps the server itself from sending, and with null when it could. */
  readonly onOwnTrouble: (error: JobctlError | null) => void;
  /** Time without an answer about an attempt after which it counts as lost. */
  readonly deadMs: number;
  readonly logger: Logger;
}

/** One attempt on its way. */
interface Sending extends Unsent {
  readonly id: string;
  /** Raised when the connection ends: the next one sends again what the agent does not hold. */
  readonly connection: AbortSignal;
  /** Raised when somebody cancels the job. */
  readonly cancelled: AbortController;
  /** Whether it has to be asked for before anything else is done. */
  mayBeHeld: boolean;
  /** When the agent last said that it does not hold it. */
  askedMs: number;
}

/**
 * Sends an attempt that has been committed to its agent, until it is known whether the agent holds it.
 *
 * What an agent refuses, and what it cannot be sent, goes back to the queue. The number of an attempt is
 * given out again only where no second request has been made: one that is late could still be taken.
 */
export class AttemptSender {
  readonly #parts: AttemptSenderParts;
  readonly #unsent: UnsentJobs;
  readonly #sendings = new Map<string, Sending>();
  #stopped = false;

  constructor(parts: AttemptSenderParts) {
    this.#parts = parts;
    this.#unsent = new UnsentJobs(parts);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** @param isNew whether nobody has sent it before */
  async send(row: JobRow, link: AgentLink, isNew: boolean): Promise<void> {
    const id = attemptId(row.id, row.attempt);
    const sending: Sending = {
      ...{ row, link, id, connection: link.connectionSignal, cancelled: new AbortController() },
      // An agent that receives it from an earlier connection has not listed it.
      ...{ isUnused: isNew, mayBeHeld: !isNew, askedMs: performance.now() },
    };
    this.#sendings.set(id, sending);
    try {
      await this.#sendUntilKnown(sending);
    } catch (error) {
      this.#parts.logger.error(
        { event: "dispatch_interrupted", jobId: row.id, attempt: row.attempt, err: error },
        "the database could not be read",
      );
      setTimeout(() => void this.send(row, link, false), STORE_AGAIN_MS).unref();
    } finally {
      if (this.#sendings.get(id) === sending) this.#sendings.delete(id);
    }
  }

  /**
   * Tells that a job is to be cancelled: what is being sent is cut, and the agent asked what it holds.
   *
   * @returns whether the attempt is being sent; otherwise its agent holds it, or nobody does
   */
  interrupt(row: JobRow): boolean {
    const sending = this.#sendings.get(attemptId(row.id, row.attempt));
    if (sending === undefined || sending.row.agent !== row.agent) return false;
    sending.cancelled.abort();
    return true;
  }

  /** Queues a job again that its agent has taken and could not start. */
  failedToStart(row: JobRow, link: AgentLink, error: JobctlError): void {
    link.noteNotStarted();
    this.#unsent.refused({ row, link, isUnused: false }, error);
  }

  /** Leaves an agent alone that has cut off a job, for longer each time until it has run one. */
  pauseAgent(row: JobRow, link: AgentLink, error: JobctlError): void {
    link.noteNotStarted();
    pauseAgent(link, row.id, error);
  }

  async #sendUntilKnown(sending: Sending): Promise<void> {
    for (let failures = 0; this.#isCurrent(sending);) {
      const error = await this.#try(sending, failures);
      if (error === null || !this.#isCurrent(sending)) return;
      failures += 1;
      const { row, link } = sending;
      this.#parts.logger.warn(
        {
          ...{ event: "dispatch_failed", jobId: row.id, attempt: row.attempt },
          ...{ agent: link.name, failures },
        },
        error.message,
      );
      await this.#pause(sending, backoffMs(failures, RESEND, Math.random()));
    }
  }

  /** @returns what went wrong; null when the attempt is not to be sent again */
  async #try(sending: Sending, failures: number): Promise<JobctlError | null> {
    try {
      return (await this.#ask(sending)) ? null : await this.#put(sending, failures);
    } catch (thrown) {
      const error = toJobctlError(thrown);
      // It has answered, though it does not know yet; that it never does has to end as well.
      if (error.code === "attempt_receiving" && failures < MAX_RECEIVING)
        sending.askedMs = performance.now();
      // It cannot be asked what it holds: the same attempt waits for it.
      if (!isNotStored(error)) {
        if (refusalKind(error.code) === "refused") sending.link.noteRefusal(sending.row.id, error);
        if (this.#hasGoneSilent(sending, error)) return null;
      }
      return error;
    }
  }

  /** After an unknown outcome the agent is asked first. @returns whether it holds the attempt */
  async #ask(sending: Sending): Promise<boolean> {
    const { link, id } = sending;
    await this.#untilCallsAllowed(sending);
    if (!sending.mayBeHeld || !this.#isCurrent(sending)) return false;
    const held = await link.client.getAttempt(id).catch((thrown: unknown) => {
      throw asAgentTrouble(thrown);
    });
    if (held !== null) {
      this.#accepted(sending, held);
      return true;
    }
    sending.mayBeHeld = false;
    sending.askedMs = performance.now();
    return false;
  }

  async #put(sending: Sending, failures: number): Promise<JobctlError | null> {
    const { row, link, id, connection, cancelled } = sending;
    if (!this.#isCurrent(sending)) return null;
    if (this.#isCancelled(sending)) {
      const message = "cancelled before it was started";
      this.#parts.attempts.release(row.id, row.attempt, {
        ...{ type: "not_sent", message, pauseMs: null, isUnused: false },
      });
      return null;
    }
    if (!(await this.#canReadArchive(sending))) return null;
    // Whoever has cancelled it, or taken its place, meanwhile.
    if (!this.#isCurrent(sending) || this.#isCancelled(sending)) return interrupted(id);
    const signal = signalWithin(null, connection, cancelled.signal);
    const spec = attemptSpec(row, this.#parts.policyOf(row.service));
    sending.mayBeHeld = true;
    let report: HeardReport;
    const archive = new ArchiveReader(() => this.#parts.blobs.content(spec.archive.sha256));
    try {
      report = await link.client.putAttempt(spec, () => archive.read(), signal.signal);
    } catch (thrown) {
      // However long it took: only what it is asked from here on can go without an answer.
      sending.askedMs = performance.now();
      if (archive.error !== null) return await this.#notRead(sending, archive.error);
      return await this.#handleFailure(sending, toJobctlError(thrown), failures);
    } finally {
      signal.release();
    }
    crashPoint("dispatch.sent");
    this.#accepted(sending, report);
    return null;
  }

  /** @returns the failure, unless the agent has answered and that is stored */
  async #handleFailure(
    sending: Sending,
    error: JobctlError,
    failures: number,
  ): Promise<JobctlError | null> {
    if (!this.#isCurrent(sending)) return error;
    const { row } = sending;
    const kind = refusalKind(error.code);
    if (kind === "unknown") {
      sending.isUnused = false;
      const most = error.code === "attempt_receiving" ? MAX_RECEIVING : MAX_SENDS;
      if (failures + 1 < most || this.#isCancelled(sending)) return error;
      if (!(await this.#isHeldNowhere(sending))) return error;
      this.#unsent.refused(sending, error);
      return null;
    }
    // The agent has answered: it does not hold it.
    sending.mayBeHeld = false;
    sending.askedMs = performance.now();
    // It may have begun with it all the same, unless it says that it had no room.
    if (kind !== "full") sending.isUnused = false;
    switch (kind) {
      case "full":
      case "refused":
        this.#unsent.refused(sending, error);
        return null;
      case "unrunnable":
        await this.#unsent.end(row, "executor_error", error);
        return null;
      case "damaged":
        if (await this.#isArchiveIntact(sending)) this.#unsent.refused(sending, error);
        return null;
      case "rejected":
        if (await this.#isArchiveIntact(sending)) await this.#unsent.end(row, "rejected", error);
        return null;
    }
  }

  /** What the archive could not be read for says nothing of the agent, which has not got all of it. */
  async #notRead(sending: Sending, error: JobctlError): Promise<JobctlError | null> {
    if (!this.#isCurrent(sending)) return error;
    sending.isUnused = false;
    if (!(await this.#isArchiveIntact(sending))) return null;
    // It can be read after all.
    this.#unsent.notSent(sending, error);
    return null;
  }

  /** Asks once more, so that what is given up is certainly not there. */
  async #isHeldNowhere(sending: Sending): Promise<boolean> {
    return !(await this.#ask(sending)) && this.#isCurrent(sending) && !sending.mayBeHeld;
  }

  #accepted({ row, link, id }: Sending, report: HeardReport): void {
    link.noteAccepted();
    this.#unsent.archiveIsRight(row.id);
    this.#parts.onReport(link, report);
    const now = this.#parts.attempts.get(row.id);
    if (now?.cancel_requested_at != null && report.state !== "finished")
      void link.client.cancelAttempt(id).catch(() => {});
  }

  /** Whether it can be opened is the server's business. @returns false when it cannot, and that is dealt with */
  async #canReadArchive(sending: Sending): Promise<boolean> {
    try {
      await this.#parts.blobs.withBlob(sending.row.input_sha256, async () => {});
      this.#parts.onOwnTrouble(null);
      return true;
    } catch (thrown) {
      const error = toJobctlError(thrown);
      // What is remembered of it may have passed.
      if (error.code !== "blob_damaged") this.#unsent.impossible(sending, error);
      else if (await this.#isArchiveIntact(sending)) this.#unsent.notSent(sending, error);
      return false;
    }
  }

  /** Reads the stored archive through again. @returns false when it is the cause, and that is dealt with */
  async #isArchiveIntact(sending: Sending): Promise<boolean> {
    try {
      await this.#parts.blobs.readThrough(sending.row.input_sha256);
      this.#unsent.archiveIsRight(sending.row.id);
      return true;
    } catch (thrown) {
      this.#unsent.impossible(sending, toJobctlError(thrown));
      return false;
    }
  }

  /** Whether an agent that is connected could not be asked for too long. Then the attempt is lost. */
  #hasGoneSilent({ row, link, id, askedMs }: Sending, error: JobctlError): boolean {
    const { attempts, deadMs, discard } = this.#parts;
    if (performance.now() - askedMs < deadMs) return false;
    const seconds = Math.round(deadMs / 1000);
    const message = `agent ${link.name} has not said whether it holds attempt ${id} for ${seconds} s: ${error.message}`;
    try {
      attempts.lose(row.id, row.attempt, message);
    } catch (notStored) {
      if (!isNotStored(notStored)) throw notStored;
      return false;
    }
    discard(link, id);
    return true;
  }

  /** Waits while the breaker is open, but no longer than it may take to hear of the attempt. */
  async #untilCallsAllowed(sending: Sending): Promise<void> {
    const leftMs = Math.max(0, sending.askedMs + this.#parts.deadMs - performance.now());
    const wait = signalWithin(leftMs, sending.connection, ...this.#wakingSignals(sending));
    await sending.link.untilCallsAllowed(wait.signal).finally(() => wait.release());
  }

  async #pause(sending: Sending, ms: number): Promise<void> {
    const wait = signalWithin(ms, sending.connection, ...this.#wakingSignals(sending));
    if (!wait.signal.aborted)
      await new Promise<void>((resolve) => {
        wait.signal.addEventListener("abort", () => resolve(), { once: true });
      });
    wait.release();
  }

  /** A cancel ends the first wait, and no other. */
  #wakingSignals({ cancelled }: Sending): AbortSignal[] {
    return cancelled.signal.aborted ? [] : [cancelled.signal];
  }

  #isCancelled({ row }: Sending): boolean {
    return this.#parts.attempts.get(row.id)?.cancel_requested_at != null;
  }

  #isCurrent({ row, connection }: Sending): boolean {
    const now = this.#parts.attempts.get(row.id);
    return (
      !this.#stopped &&
      !connection.aborted &&
      now?.attempt === row.attempt &&
      now.agent === row.agent &&
      now.status === "dispatched"
    );
  }
}

/** An agent may say that nothing can be stored: that must not be taken for the server's own trouble. */
function asAgentTrouble(thrown: unknown): unknown {
  if (!isNotStored(thrown)) return thrown;
  const { message } = toJobctlError(thrown);
  return new JobctlError("agent_unreachable", message, { cause: thrown });
}

function interrupted(id: string): JobctlError {
  return new JobctlError("interrupted", `attempt ${id} was not sent`);
}
