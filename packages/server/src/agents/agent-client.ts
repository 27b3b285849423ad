import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

import { openSession, wallInstant, type Session, type SessionRequest } from "@jobctl/daemon";
import {
  ATTEMPT_HEADER,
  EPOCH_HEADER,
  INSTALLATION_HEADER,
  JobctlError,
  MAX_ANSWER_BYTES,
  MAX_HANDSHAKE_BYTES,
  MAX_SNAPSHOT_BYTES,
  attemptListSchema,
  fieldProblems,
  isErrorCode,
  listProblems,
  saidLoadSchema,
  saidRefusalSchema,
  saidReportSchema,
  watchMessageSchema,
  type AgentLoad,
  type AttemptReport,
  type AttemptSpec,
  type LogStream,
  type WatchMessage,
} from "@jobctl/protocol";
import { Pool, type Dispatcher } from "undici";
import type { z } from "zod";

import { heard, type HeardReport } from "../heard-report.js";
import type { AgentIdentities } from "./agent-identities.js";
import type { CircuitBreaker } from "./circuit-breaker.js";
import { readLines, readText } from "./read-bounded.js";
import { TokenBucket } from "./token-bucket.js";

/** Time without a single byte after which a transfer has failed. */
const TRANSFER_STALL_MS = 60_000;
/** An agent answers to an archive when it has unpacked it. */
const UNPACK_MS = 600_000;
/** A message, a header and a hint. */
const MAX_REFUSAL_BYTES = 64 * 1024;
/** Upper bound on a Retry-After sent by an agent. */
const MAX_RETRY_AFTER_SECONDS = 300;
/**
 * How fast messages of one agent are read: an agent with many short jobs sends some hundred in a second,
 * and joins what the server has not read yet. The burst has room for a snapshot.
 */
const MESSAGES_PER_SECOND = 500;
const MESSAGE_BURST = 15_000;
/** Extra cost by size and by chunk, so that long messages and tiny chunks are throttled too. */
const BYTES_PER_TOKEN = 1024;
const TOKENS_PER_CHUNK = 0.1;

export interface AgentClientSettings {
  readonly identities: AgentIdentities;
  /** @throws JobctlError when another agent has this name */
  readonly checkName: (name: string) => void;
  /** For calls that carry little data. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
}

interface CallOptions extends Omit<Partial<Dispatcher.RequestOptions>, "body" | "headers"> {
  readonly headers?: Readonly<Record<string, string>>;
  /** Made again when the call is repeated in a new session. */
  readonly makeBody?: () => Readable | string;
}

/**
 * The calls of one agent's interface. What the agent refuses is thrown with the agent's own code;
 * what goes wrong on the way is `agent_unreachable`, and its outcome is unknown.
 */
export class AgentClient {
  readonly url: string;
  readonly #pool: Pool;
  readonly #settings: AgentClientSettings;
  readonly #breaker: CircuitBreaker;
  #session: Session | null = null;
  #opening: Promise<Session> | null = null;
  #provedName: string | null = null;

  constructor(url: string, settings: AgentClientSettings, breaker: CircuitBreaker) {
    this.url = url;
    this.#breaker = breaker;
    this.#settings = settings;
    this.#pool = new Pool(url, {
      // As many as there are followers, transfers and calls at once; none waits behind another.
      connections: null,
      connect: { timeout: settings.connectTimeoutMs },
    });
  }

  /** The name that the agent has proved for this connection; null before it has. */
  get provedName(): string | null {
    return this.#provedName;
  }

  /**
   * Has both sides prove themselves, and leaves everything as it is.
   *
   * @throws JobctlError what a session would be refused with
   */
  async checkSession(): Promise<void> {
    await this.#prove("check");
  }

  /**
   * @param signal ends the call; then it is not known whether the agent holds the attempt
   * @throws JobctlError
   */
  async putAttempt(
    spec: AttemptSpec,
    readArchive: () => AsyncIterable<Buffer>,
    signal: AbortSignal,
  ): Promise<HeardReport> {
    const answer = await this.#request("PUT", `/v1/attempts/${spec.id}`, {
      headers: {
        [ATTEMPT_HEADER]: Buffer.from(JSON.stringify(spec)).toString("base64url"),
        "content-type": "application/x-tar",
        "content-length": String(spec.archive.sizeBytes),
      },
      makeBody: () => Readable.from(readArchive()),
      signal,
      headersTimeout: UNPACK_MS,
      bodyTimeout: TRANSFER_STALL_MS,
    });
    return this.#reportOf(spec.id, await this.#read(answer, saidReportSchema));
  }

  /** Null when the agent does not hold it. */
  async getAttempt(id: string): Promise<HeardReport | null> {
    try {
      const answer = await this.#request("GET", `/v1/attempts/${id}`);
      return this.#reportOf(id, await this.#read(answer, saidReportSchema));
    } catch (error) {
      if (error instanceof JobctlError && error.code === "attempt_not_found") return null;
      throw error;
    }
  }

  /** Every attempt that the agent holds. */
  async listAttempts(): Promise<HeardReport[]> {
    const answer = await this.#request("GET", "/v1/attempts");
    return (await this.#read(answer, attemptListSchema, MAX_SNAPSHOT_BYTES)).items.map(heard);
  }

  async cancelAttempt(id: string): Promise<void> {
    await this.#drop(await this.#request("POST", `/v1/attempts/${id}/cancel`));
  }

  async deleteAttempt(id: string): Promise<void> {
    await this.#drop(await this.#request("DELETE", `/v1/attempts/${id}`));
  }

  /** The result archive from a byte offset on. */
  async getResult(id: string, offset: number): Promise<Readable> {
    const answer = await this.#request("GET", `/v1/attempts/${id}/result`, {
      headers: offset === 0 ? {} : { range: `bytes=${offset}-` },
      bodyTimeout: TRANSFER_STALL_MS,
    });
    if (offset === 0 || answer.statusCode === 206) return answer.body;
    answer.body.destroy();
    throw this.#invalid("it sent a result from the beginning when the rest of it was asked for");
  }

  async getWorkspace(id: string, signal: AbortSignal): Promise<Readable> {
    const answer = await this.#request("GET", `/v1/attempts/${id}/workspace`, {
      signal,
      bodyTimeout: TRANSFER_STALL_MS,
    });
    return answer.body;
  }

  /** Live output. Without `follow` it ends at what there is; with it, when the log is complete. */
  async getLog(
    id: string,
    log: { stream: LogStream; offset: number; follow: boolean },
    signal: AbortSignal,
  ): Promise<Readable> {
    const query = `stream=${log.stream}&offset=${log.offset}&follow=${log.follow ? 1 : 0}`;
    const answer = await this.#request("GET", `/v1/attempts/${id}/logs?${query}`, {
      signal,
      bodyTimeout: 0,
    });
    return answer.body;
  }

  /** The agent's own load, now; the time is this server's. */
  async getLoad(): Promise<AgentLoad> {
    const load = await this.#read(await this.#send("GET", "/load", {}), saidLoadSchema);
    return { ...load, sampledAt: wallInstant() };
  }

  /**
   * The agent's messages, until the connection ends. An agent that sends faster than
   * `MESSAGES_PER_SECOND` is read more slowly.
   *
   * @param heartbeatSeconds longest silence that the agent is asked for
   * @throws JobctlError `agent_unreachable` when no whole message came for two and a half heartbeats,
   *   `agent_answer_invalid` when what came is not a message
   */
  async *watch(heartbeatSeconds: number, signal: AbortSignal): AsyncGenerator<WatchMessage> {
    const silence = new AbortController();
    const abort = (): void => silence.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const bucket = new TokenBucket(MESSAGE_BURST, MESSAGES_PER_SECOND);
    const pace = async (tokens: number): Promise<void> => {
      const waitMs = bucket.take(tokens);
      if (waitMs > 0) await delay(waitMs, undefined, { signal });
    };
    let timer: NodeJS.Timeout | undefined;
    const expectMessage = (): void => {
      timer = setTimeout(
        () => silence.abort(new Error(`it sent no message for ${heartbeatSeconds * 2.5} s`)),
        heartbeatSeconds * 2500,
      );
    };
    // Another agent may have this address now, so every watch starts a new session.
    this.#session = null;
    this.#provedName = null;
    try {
      const answer = await this.#request("GET", `/v1/watch?heartbeatSeconds=${heartbeatSeconds}`, {
        signal: silence.signal,
        bodyTimeout: 0,
      });
      let isFirst = true;
      const maxBytes = (): number => (isFirst ? MAX_SNAPSHOT_BYTES : MAX_ANSWER_BYTES);
      expectMessage();
      for await (const line of readLines(throttled(answer.body, pace), maxBytes)) {
        clearTimeout(timer);
        const message = this.#parse(line, watchMessageSchema);
        if ((message.type === "snapshot") !== isFirst)
          throw this.#invalid("a watch stream has one snapshot, and begins with it");
        isFirst = false;
        yield message;
        await pace(1);
        expectMessage();
      }
    } catch (error) {
      throw this.#describe(silence.signal.aborted ? silence.signal.reason : error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      silence.abort();
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #request(
    method: Dispatcher.HttpMethod,
    path: string,
    options: CallOptions = {},
  ): Promise<Dispatcher.ResponseData> {
    const session = this.#session ?? (await this.#openSession());
    let answer = await this.#sendWith(session, method, path, options);
    if (answer.statusCode === 401) {
      // The agent has been started again, or another server of the installation has spoken to it.
      await answer.body.dump();
      if (this.#session === session) this.#session = null;
      const renewed = this.#session ?? (await this.#openSession());
      answer = await this.#sendWith(renewed, method, path, options);
    }
    if (answer.statusCode >= 200 && answer.statusCode < 300) {
      // Only a 2xx answer counts as success; an error page of a proxy does not.
      if (counts(path)) this.#breaker.succeeded();
      return answer;
    }
    if (counts(path) && answer.statusCode >= 400 && answer.statusCode < 500)
      this.#breaker.succeeded();
    throw await this.#refusal(method, path, answer);
  }

  #sendWith(
    { token }: Session,
    method: Dispatcher.HttpMethod,
    path: string,
    { headers, ...options }: CallOptions,
  ): Promise<Dispatcher.ResponseData> {
    const { installation, epoch } = this.#settings.identities;
    return this.#send(method, path, {
      ...options,
      headers: {
        authorization: `Bearer ${token}`,
        [INSTALLATION_HEADER]: installation.id,
        [EPOCH_HEADER]: String(epoch),
        ...headers,
      },
    });
  }

  /** Concurrent callers share one handshake. */
  #openSession(): Promise<Session> {
    this.#opening ??= this.#handshake().finally(() => (this.#opening = null));
    return this.#opening;
  }

  async #handshake(): Promise<Session> {
    const session = await this.#prove("work");
    // A call that was meant for one agent must not reach another one that has its address now.
    if (this.#provedName !== null && this.#provedName !== session.name)
      throw this.#invalid(`it proved the name ${this.#provedName} before, and now ${session.name}`);
    this.#settings.identities.proved(session.name, session.key, session.isNew, this.url);
    this.#provedName = session.name;
    this.#session = session;
    return session;
  }

  async #prove(purpose: SessionRequest["purpose"]): Promise<Session> {
    const { identities, checkName } = this.#settings;
    const { url } = this;
    try {
      return await openSession({
        installation: identities.installation,
        epoch: identities.epoch,
        lease: identities.lease,
        purpose,
        get secrets() {
          return identities.secretsFor(url);
        },
        send: (method, message) => this.#exchange(method, message),
        keyOf: (name) => {
          checkName(name);
          return identities.keyOf(name);
        },
      });
    } catch (error) {
      throw identities.explain(this.url, this.#describe(error));
    }
  }

  /** A message of the handshake, without anything secret. */
  async #exchange(method: "POST" | "PUT", message: object): Promise<unknown> {
    const answer = await this.#send(method, "/v1/session", {
      headers: { "content-type": "application/json" },
      makeBody: () => JSON.stringify(message),
    });
    if (answer.statusCode === 404) throw this.#noSession();
    if (answer.statusCode < 200 || answer.statusCode > 299)
      throw await this.#refusal(method, "/v1/session", answer);
    return parseJson(await this.#readText(answer, MAX_HANDSHAKE_BYTES));
  }

  #noSession(): JobctlError {
    return new JobctlError(
      "version_mismatch",
      `${this.url} has no POST /v1/session: it is an agent that is older than this server, or no agent`,
      { hint: "Upgrade the agent, and check the address." },
    );
  }

  /**
   * The headers of an answer have to be complete in time, however slowly they trickle in. An archive may
   * take longer: there undici's own time limits hold, which begin when it has been sent.
   */
  async #send(
    method: Dispatcher.HttpMethod,
    path: string,
    { makeBody, ...options }: CallOptions,
  ): Promise<Dispatcher.ResponseData> {
    const { timeoutMs } = this.#settings;
    const body = makeBody?.();
    const cutOff = new AbortController();
    const outer = options.signal as AbortSignal | undefined;
    const abort = (): void => cutOff.abort(outer?.reason);
    if (outer?.aborted === true) abort();
    outer?.addEventListener("abort", abort, { once: true });
    const timer =
      body === undefined || typeof body === "string"
        ? setTimeout(
            () => cutOff.abort(new Error(`no answer within ${timeoutMs / 1000} s`)),
            timeoutMs,
          )
        : undefined;
    try {
      const answer = await this.#pool.request({
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        ...options,
        signal: cutOff.signal,
        method,
        path,
        ...(body === undefined ? {} : { body }),
      });
      answer.body.once("close", () => outer?.removeEventListener("abort", abort));
      return answer;
    } catch (error) {
      outer?.removeEventListener("abort", abort);
      if (body instanceof Readable) {
        // What could not be read is not the agent's fault.
        if (body.errored instanceof JobctlError) throw body.errored;
        body.destroy();
      }
      if (counts(path) && outer?.aborted !== true) this.#breaker.failed();
      throw this.#describe(cutOff.signal.aborted ? cutOff.signal.reason : error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #refusal(
    method: string,
    path: string,
    answer: Dispatcher.ResponseData,
  ): Promise<JobctlError> {
    const what = `${method} ${path} was answered with ${answer.statusCode}`;
    const text = await this.#readText(answer, MAX_REFUSAL_BYTES).catch(() => null);
    const said = saidRefusalSchema.safeParse(parseJson(text));
    if (said.success && isErrorCode(said.data.error.code)) {
      const { code, message, hint } = said.data.error;
      const retryAfterSeconds = Number(answer.headers["retry-after"]);
      return new JobctlError(code, message, {
        hint: hint ?? undefined,
        retryAfterSeconds:
          retryAfterSeconds > 0 ? Math.min(retryAfterSeconds, MAX_RETRY_AFTER_SECONDS) : undefined,
      });
    }
    // A proxy in between answers with pages of its own while the agent is away.
    return this.#describe(new Error(what));
  }

  /** @throws JobctlError `agent_answer_invalid`, `agent_unreachable` */
  async #read<Schema extends z.ZodType>(
    answer: Dispatcher.ResponseData,
    schema: Schema,
    maxBytes = MAX_ANSWER_BYTES,
  ): Promise<z.output<Schema>> {
    return this.#parse(await this.#readText(answer, maxBytes), schema);
  }

  /** The whole answer, within the time of a call however slowly it trickles in. */
  async #readText(answer: Dispatcher.ResponseData, maxBytes: number): Promise<string> {
    const { timeoutMs } = this.#settings;
    const timer = setTimeout(
      () => answer.body.destroy(new Error(`its answer was not complete after ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      return await readText(answer.body, maxBytes);
    } catch (error) {
      throw this.#describe(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** For answers that say nothing beyond their status. */
  async #drop(answer: Dispatcher.ResponseData): Promise<void> {
    await this.#readText(answer, MAX_ANSWER_BYTES);
  }

  #parse<Schema extends z.ZodType>(text: string, schema: Schema): z.output<Schema> {
    const json = parseJson(text);
    if (json === undefined) throw this.#invalid("it is not JSON");
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    throw this.#invalid(listProblems(fieldProblems(parsed.error).slice(0, 1)));
  }

  #reportOf(id: string, report: AttemptReport): HeardReport {
    if (report.id === id) return heard(report);
    throw this.#invalid(`it reported attempt ${report.id} when it was asked for ${id}`);
  }

  #invalid(problem: string): JobctlError {
    this.#breaker.failed();
    return new JobctlError(
      "agent_answer_invalid",
      `the agent at ${this.url} sent what is not allowed: ${problem}`,
      {
        hint: "Check that it is a jobctl agent of this version, and that nothing altered the answer.",
      },
    );
  }

  /** What went wrong, with the agent's address. */
  #describe(error: unknown): JobctlError {
    if (!(error instanceof JobctlError)) return unreachable(this.url, error);
    if (error.code !== "agent_answer_invalid" || error.message.includes(this.url)) return error;
    return this.#invalid(error.message);
  }
}

/** Calls that carry work. The watch stream is opened again and again while an agent is away. */
function counts(path: string): boolean {
  return path.startsWith("/v1/attempts/");
}

function unreachable(url: string, cause: unknown): JobctlError {
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new JobctlError("agent_unreachable", `the agent at ${url} cannot be reached: ${reason}`, {
    hint: "Check that it runs, and that the server may connect to it.",
    cause,
  });
}

/** Slows a stream down as its bytes and its pieces cost tokens. */
async function* throttled(
  source: AsyncIterable<Buffer>,
  pace: (tokens: number) => Promise<void>,
): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    await pace(chunk.length / BYTES_PER_TOKEN + TOKENS_PER_CHUNK);
    yield chunk;
  }
}

/** Undefined for what is not JSON. */
function parseJson(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
