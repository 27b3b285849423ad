import { setTimeout as delay } from "node:timers/promises";

import { KeyedEvents, backoffMs, wallClock, type Logger } from "@jobctl/daemon";
import {
  JobctlError,
  toJobctlError,
  type AgentLoad,
  type AgentOrigin,
  type AgentSelf,
  type ErrorCode,
  type WatchMessage,
} from "@jobctl/protocol";

import { heard, type HeardReport } from "../heard-report.js";
import type { AgentClient } from "./agent-client.js";
import type { CircuitBreaker } from "./circuit-breaker.js";

/** One light connection an agent: a short wait costs nothing, and jobs wait for it. */
const RECONNECT = { firstMs: 50, maxMs: 1000 };
/** For an agent that breaks the rules: each connection of it costs the server work. */
const AFTER_INVALID = { firstMs: 1000, maxMs: 60_000 };
/** For an agent that ends its connections soon after each snapshot. */
const AFTER_SHORT = { firstMs: 50, maxMs: 30_000 };
/** So many short connections in a row are no reason to log less. */
const USUAL_SHORT = 2;
/** A connection that lasts this long resets the back-off. */
const STABLE_MS = 5000;
/** A slot that becomes free ends the pause after a refusal, but not before this time. */
const MIN_FULL_MS = 1000;
/** How often it is looked whether somebody has closed an open breaker. */
const BREAKER_LOOK_MS = 1000;

type Snapshot = Extract<WatchMessage, { type: "snapshot" }>;

export interface LinkSettings {
  readonly origin: AgentOrigin;
  readonly heartbeatSeconds: number;
  /** Time without a connection after which the agent counts as lost. */
  readonly deadSeconds: number;
}

/** What happens on a link. `onSnapshot` is awaited: what follows it comes after. */
export interface LinkEvents {
  onSnapshot(link: AgentLink, attempts: readonly HeardReport[]): Promise<void>;
  /** The snapshot has been reconciled: the agent may be given work. */
  onReady(link: AgentLink): void;
  onAttempt(link: AgentLink, report: HeardReport): void;
  /** Load, state or capacity may have changed. */
  onStatus(link: AgentLink): void;
  onUnreachable(link: AgentLink): void;
  onLost(link: AgentLink): void;
}

export type LinkState = "connecting" | "ready" | "unreachable" | "lost";

/**
 * The server's end of one agent: keeps its watch stream open for as long as the server runs, and
 * knows the last that the agent said.
 *
 * Invariant: `ready` only while the stream is open and its snapshot has been reconciled, so nothing
 * is dispatched to an agent whose attempts are not known.
 */
export class AgentLink {
  readonly client: AgentClient;
  readonly breaker: CircuitBreaker;
  readonly #settings: LinkSettings;
  readonly #events: LinkEvents;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #changes = new KeyedEvents<"state">();
  #connection = new AbortController();
  /** Aborted to end the pause after a failed attempt to connect. */
  #pause = new AbortController();
  /** Attempts to connect that have begun, and the last of them that has failed. */
  #tries = 0;
  #failedTry = 0;
  #state: LinkState = "connecting";
  #self: AgentSelf | null;
  #load: AgentLoad | null;
  #loadReceivedAt: number | null;
  /** The same by the monotonic clock; before the start where the load is a stored one. */
  #loadReceivedMs: number | null;
  /** Why it is not connected; null while it is, and before it has been tried. */
  #error: JobctlError | null = null;
  /** Reasons logged since it was ready: each once, however often the agent alternates between them. */
  readonly #loggedCodes = new Set<string>();
  /** What it last refused work with; null once it has taken some, or has connected anew. */
  #refusal: string | null = null;
  #refusals = 0;
  /** Whether it could not start the last attempt of which it has told an end. */
  #cannotStart = false;
  #connectedSince: number | null = null;
  #readySinceMs: number | null = null;
  /** Connections in a row that were ready, and ended soon. */
  #shortConnections = 0;
  #fullSinceMs = 0;
  #isFull = false;
  #fullTimer: NodeJS.Timeout | undefined;
  #deadTimer: NodeJS.Timeout | undefined;
  #stableTimer: NodeJS.Timeout | undefined;
  #watching: Promise<void> = Promise.resolve();

  constructor(
    client: AgentClient,
    breaker: CircuitBreaker,
    known: { self: AgentSelf | null; load: AgentLoad | null; receivedAt: number | null },
    settings: LinkSettings,
    events: LinkEvents,
    logger: Logger,
  ) {
    this.client = client;
    this.breaker = breaker;
    this.#self = known.self;
    this.#load = known.load;
    this.#loadReceivedAt = known.receivedAt;
    this.#loadReceivedMs =
      known.receivedAt === null
        ? null
        : performance.now() - Math.max(0, wallClock() - known.receivedAt);
    this.#settings = settings;
    this.#events = events;
    this.#logger = logger;
  }

  get url(): string {
    return this.client.url;
  }

  get origin(): AgentOrigin {
    return this.#settings.origin;
  }

  get name(): string | null {
    return this.#self?.name ?? null;
  }

  get self(): AgentSelf | null {
    return this.#self;
  }

  get load(): AgentLoad | null {
    return this.#load;
  }

  /** When the load was received, by this machine's clock. */
  get loadReceivedAt(): number | null {
    return this.#loadReceivedAt;
  }

  /** How long ago the load was received, in milliseconds; null when there is none. */
  get loadAgeMs(): number | null {
    return this.#loadReceivedMs === null ? null : performance.now() - this.#loadReceivedMs;
  }

  get state(): LinkState {
    return this.#state;
  }

  get problem(): string | null {
    if (this.#error === null) return this.#refusal;
    const { code, message, hint } = this.#error;
    // Where the agent cannot be reached the reason says it all; otherwise an operator has to act.
    return code === "agent_unreachable" || hint === null ? message : `${message}. ${hint}`;
  }

  /** Code of the problem; null while connected. */
  get problemCode(): ErrorCode | null {
    return this.#error?.code ?? null;
  }

  /** What an operator can do about the problem. */
  get problemHint(): string | null {
    return this.#error?.hint ?? null;
  }

  get connectedSince(): number | null {
    return this.#connectedSince;
  }

  /** Raised when this connection ends: what depends on it is to stop waiting. */
  get connectionSignal(): AbortSignal {
    return this.#connection.signal;
  }

  get full(): boolean {
    return this.#isFull;
  }

  /** The agent refused work although it should have had room: leave it alone for a moment. */
  markFull(ms: number): void {
    this.#fullSinceMs = performance.now();
    this.#isFull = true;
    clearTimeout(this.#fullTimer);
    // The timer decides, and no clock beside it: one that is a moment behind would never be looked at again.
    this.#fullTimer = setTimeout(() => {
      this.#isFull = false;
      this.#events.onStatus(this);
    }, ms).unref();
  }

  /** How many dispatches in a row it has refused. */
  get refusals(): number {
    return this.#refusals;
  }

  /**
   * Shows operators why the agent gets no work although it is connected.
   *
   * @param hideFirst so many refusals in a row are not worth showing
   */
  noteRefusal(jobId: number, { message, hint }: JobctlError, hideFirst = 0): void {
    this.#refusals += 1;
    if (this.#refusals <= hideFirst) return;
    this.#refusal = `it refused job ${jobId}: ${message}${hint === null ? "" : `. ${hint}`}`;
  }

  /** The agent has taken an attempt. Where it could not start one that is not enough to be trusted again. */
  noteAccepted(): void {
    this.#refusal = null;
    if (!this.#cannotStart) this.#refusals = 0;
  }

  /** The agent could not start an attempt that it had taken. */
  noteNotStarted(): void {
    this.#cannotStart = true;
  }

  /** The agent has run an attempt. */
  noteStarted(): void {
    this.#cannotStart = false;
    this.noteAccepted();
  }

  /**
   * Waits until the agent is connected and its attempts have been compared.
   *
   * @throws JobctlError `agent_unreachable` when it is given up, or the server goes down
   */
  async untilReady(): Promise<void> {
    while (this.#state !== "ready") {
      if (this.#state === "lost" || this.#stopping.signal.aborted) throw this.#gone();
      await this.#changes.next("state", this.#stopping.signal);
    }
  }

  /**
   * Waits until it has been tried to connect.
   *
   * @throws JobctlError `agent_unreachable` when that has failed
   */
  async untilTried(): Promise<void> {
    while (this.#state !== "ready") {
      if (this.#error !== null) throw this.#error;
      if (this.#stopping.signal.aborted) throw this.#gone();
      await this.#changes.next("state", this.#stopping.signal);
    }
  }

  /**
   * Connects again at once, and waits for the outcome. An attempt that is under way does not count: it
   * may have begun with another secret.
   *
   * @throws JobctlError what the attempt failed with
   */
  async tryAgain(): Promise<void> {
    const before = this.#tries;
    if (this.#state !== "ready") this.reconnect();
    while (this.#state !== "ready") {
      if (this.#error !== null && this.#failedTry > before) throw this.#error;
      if (this.#stopping.signal.aborted) throw this.#gone();
      await this.#changes.next("state", this.#stopping.signal);
    }
  }

  /** Waits for as long as the breaker is open. */
  async untilCallsAllowed(signal: AbortSignal): Promise<void> {
    while (this.breaker.state === "open" && !signal.aborted) {
      const waitMs = Math.min(this.breaker.retryAfterMs + 1, BREAKER_LOOK_MS);
      await delay(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  start(): void {
    this.#startDeadTimer();
    this.#watching = this.#watchForever();
  }

  /** Ends the connection; the agent has to prove itself again. */
  reconnect(): void {
    this.#connection.abort();
    this.#pause.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.reconnect();
    clearTimeout(this.#deadTimer);
    clearTimeout(this.#fullTimer);
    await this.client.close();
    await this.#watching;
  }

  async #watchForever(): Promise<void> {
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      this.#connection = new AbortController();
      this.#pause = new AbortController();
      this.#tries += 1;
      this.#readySinceMs = null;
      const error = await this.#watchUntilCut();
      const wasStable = this.#lastedMs >= STABLE_MS;
      if (wasStable) this.#noteStable();
      else if (this.#readySinceMs !== null) this.#shortConnections += 1;
      this.#disconnected(error);
      failures = wasStable ? 1 : failures + 1;
      await delay(this.#reconnectMs(failures, error), undefined, {
        signal: this.#pause.signal,
      }).catch(() => {});
    }
  }

  #reconnectMs(failures: number, { code }: JobctlError): number {
    const isInvalid = code === "agent_answer_invalid";
    const pauseMs = backoffMs(failures, isInvalid ? AFTER_INVALID : RECONNECT, Math.random());
    if (this.#shortConnections === 0) return pauseMs;
    // An agent that is away for too long counts as lost.
    const mostMs = (this.#settings.deadSeconds * 1000) / 4;
    const shortMs = backoffMs(this.#shortConnections, AFTER_SHORT, Math.random());
    return Math.max(pauseMs, Math.min(shortMs, mostMs));
  }

  /** Logs of its connections again, and how many have not been logged. */
  #noteStable(): void {
    clearTimeout(this.#stableTimer);
    this.#loggedCodes.clear();
    const shortConnections = this.#shortConnections;
    this.#shortConnections = 0;
    if (shortConnections <= USUAL_SHORT) return;
    this.#logger.info({ event: "agent_ready", agent: this.name, url: this.url, shortConnections });
  }

  /** Whether the connections of this agent are too short to be worth a line each. */
  get isRestless(): boolean {
    return this.#shortConnections > USUAL_SHORT;
  }

  /** How long this connection has been ready, by the monotonic clock. */
  get #lastedMs(): number {
    return this.#readySinceMs === null ? 0 : performance.now() - this.#readySinceMs;
  }

  async #watchUntilCut(): Promise<JobctlError> {
    try {
      await this.#watch();
      return new JobctlError("agent_unreachable", "the agent closed the connection");
    } catch (error) {
      return toJobctlError(error);
    }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#connection;
    for await (const message of this.client.watch(this.#settings.heartbeatSeconds, signal)) {
      switch (message.type) {
        case "snapshot":
          this.#checkName(message.agent.name);
          await this.#takeSnapshot(message);
          this.#ready();
          break;
        case "attempt":
          this.#events.onAttempt(this, heard(message.attempt));
          break;
        case "load":
          this.#noteLoad(message.load);
          this.#events.onStatus(this);
          break;
        case "heartbeat":
          break;
      }
    }
  }

  /** An agent that is refused has no name: another one may have it. */
  async #takeSnapshot({ agent, load, attempts }: Snapshot): Promise<void> {
    const before = this.#self;
    this.#self = agent;
    this.#noteLoad(load);
    try {
      await this.#events.onSnapshot(this, attempts.map(heard));
    } catch (error) {
      this.#self = before;
      throw error;
    }
  }

  /** The name that counts is the one that was proved: attempts are compared by it. */
  #checkName(said: string): void {
    if (said === this.client.provedName) return;
    throw new JobctlError(
      "agent_answer_invalid",
      `the agent at ${this.url} proved the name ${this.client.provedName} and calls itself ${said}`,
    );
  }

  #gone(): JobctlError {
    return new JobctlError("agent_unreachable", `agent ${this.name ?? this.url} is gone`);
  }

  #noteLoad(load: AgentLoad): void {
    const freed = load.slotsUsed < (this.#load?.slotsUsed ?? 0);
    if (freed && performance.now() - this.#fullSinceMs >= MIN_FULL_MS) this.#isFull = false;
    this.#loadReceivedAt = wallClock();
    this.#loadReceivedMs = performance.now();
    // Clients are shown times of this server's clock only.
    this.#load = { ...load, sampledAt: new Date(this.#loadReceivedAt).toISOString() };
  }

  #ready(): void {
    clearTimeout(this.#deadTimer);
    this.#deadTimer = undefined;
    this.#state = "ready";
    this.#error = null;
    if (!this.isRestless) this.#loggedCodes.clear();
    this.#refusal = null;
    this.#isFull = false;
    this.#connectedSince = wallClock();
    this.#readySinceMs = performance.now();
    this.#changes.announce("state");
    if (!this.isRestless)
      this.#logger.info({ event: "agent_ready", agent: this.name, url: this.url });
    this.#stableTimer = setTimeout(() => this.#noteStable(), STABLE_MS).unref();
    this.#events.onReady(this);
  }

  #disconnected(error: JobctlError): void {
    this.#connection.abort();
    clearTimeout(this.#stableTimer);
    if (this.#stopping.signal.aborted) return;
    const wasReady = this.#state === "ready";
    this.#connectedSince = null;
    const { code } = error;
    if (!this.#loggedCodes.has(code)) {
      this.#loggedCodes.add(code);
      const shortConnections = this.#shortConnections;
      this.#logger.warn(
        { event: "agent_unreachable", agent: this.name, url: this.url, code, shortConnections },
        error.message,
      );
    }
    this.#error = error;
    this.#failedTry = this.#tries;
    this.#changes.announce("state");
    if (!wasReady) return;
    this.#state = "unreachable";
    this.#startDeadTimer();
    this.#events.onUnreachable(this);
  }

  #startDeadTimer(): void {
    this.#deadTimer ??= setTimeout(() => {
      this.#state = "lost";
      this.#changes.announce("state");
      this.#logger.error({ event: "agent_lost", agent: this.name, url: this.url });
      this.#events.onLost(this);
    }, this.#settings.deadSeconds * 1000);
  }
}
