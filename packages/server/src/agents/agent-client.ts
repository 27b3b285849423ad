import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";

import type { Secret } from "@jobctl/daemon";
import {
  ATTEMPT_HEADER,
  JobctlError,
  attemptListSchema,
  attemptReportSchema,
  errorAnswerSchema,
  watchMessageSchema,
  type AttemptReport,
  type AttemptSpec,
  type LogStream,
  type WatchMessage,
} from "@jobctl/protocol";
import { Pool, type Dispatcher } from "undici";

import type { CircuitBreaker } from "./circuit-breaker.js";

/** Time without a single byte after which a transfer has failed. */
const TRANSFER_STALL_MS = 60_000;
/** An agent answers to an archive when it has unpacked it. */
const UNPACK_MS = 600_000;

export interface AgentClientSettings {
  readonly token: Secret;
  /** For calls that carry little data. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
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

  /** @throws JobctlError */
  async putAttempt(spec: AttemptSpec, archivePath: string): Promise<AttemptReport> {
    const answer = await this.#request("PUT", `/v1/attempts/${spec.id}`, {
      headers: {
        [ATTEMPT_HEADER]: Buffer.from(JSON.stringify(spec)).toString("base64url"),
        "content-type": "application/x-tar",
        "content-length": String(spec.archive.sizeBytes),
      },
      body: createReadStream(archivePath, { highWaterMark: 256 * 1024 }),
      headersTimeout: UNPACK_MS,
      bodyTimeout: TRANSFER_STALL_MS,
    });
    return attemptReportSchema.parse(await answer.body.json());
  }

  /** Null when the agent does not hold it. */
  async getAttempt(id: string): Promise<AttemptReport | null> {
    try {
      const answer = await this.#request("GET", `/v1/attempts/${id}`);
      return attemptReportSchema.parse(await answer.body.json());
    } catch (error) {
      if (error instanceof JobctlError && error.code === "attempt_not_found") return null;
      throw error;
    }
  }

  /** Every attempt that the agent holds. */
  async listAttempts(): Promise<AttemptReport[]> {
    const answer = await this.#request("GET", "/v1/attempts");
    return attemptListSchema.parse(await answer.body.json()).items;
  }

  async cancelAttempt(id: string): Promise<void> {
    const answer = await this.#request("POST", `/v1/attempts/${id}/cancel`);
    await answer.body.dump();
  }

  async deleteAttempt(id: string): Promise<void> {
    const answer = await this.#request("DELETE", `/v1/attempts/${id}`);
    await answer.body.dump();
  }

  /** The result archive from a byte offset on. */
  async getResult(id: string, offset: number): Promise<Readable> {
    const answer = await this.#request("GET", `/v1/attempts/${id}/result`, {
      headers: offset === 0 ? {} : { range: `bytes=${offset}-` },
      bodyTimeout: TRANSFER_STALL_MS,
    });
    return answer.body;
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

  /** The agent's own load, now. */
  async getLoad(): Promise<unknown> {
    const answer = await this.#request("GET", "/load");
    return answer.body.json();
  }

  /**
   * The agent's messages, until the connection ends.
   *
   * @param heartbeatSeconds how often the agent is to say something at least
   * @throws JobctlError `agent_unreachable` when nothing came for more than two heartbeats
   */
  async *watch(heartbeatSeconds: number, signal: AbortSignal): AsyncGenerator<WatchMessage> {
    const answer = await this.#request("GET", `/v1/watch?heartbeatSeconds=${heartbeatSeconds}`, {
      signal,
      bodyTimeout: heartbeatSeconds * 2500,
    });
    try {
      for await (const line of lines(answer.body)) yield watchMessageSchema.parse(JSON.parse(line));
    } catch (error) {
      throw unreachable(this.url, error);
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #request(
    method: Dispatcher.HttpMethod,
    path: string,
    options: Partial<Dispatcher.RequestOptions> = {},
  ): Promise<Dispatcher.ResponseData> {
    let answer: Dispatcher.ResponseData;
    try {
      answer = await this.#pool.request({
        headersTimeout: this.#settings.timeoutMs,
        bodyTimeout: this.#settings.timeoutMs,
        ...options,
        method,
        path,
        headers: {
          authorization: `Bearer ${this.#settings.token.current}`,
          ...(options.headers as Record<string, string> | undefined),
        },
      });
    } catch (error) {
      if (counts(path) && (options.signal as AbortSignal | undefined)?.aborted !== true)
        this.#breaker.failed();
      throw unreachable(this.url, error);
    }
    // Whatever it says, it has answered; but not when something in between has.
    if (counts(path) && answer.statusCode < 500) this.#breaker.succeeded();
    if (answer.statusCode < 400) return answer;
    throw await this.#refusal(method, path, answer);
  }

  async #refusal(
    method: string,
    path: string,
    answer: Dispatcher.ResponseData,
  ): Promise<JobctlError> {
    const parsed = errorAnswerSchema.safeParse(await answer.body.json().catch(() => null));
    if (parsed.success) {
      const { code, message, hint, details } = parsed.data.error;
      return new JobctlError(code, message, {
        hint: hint ?? undefined,
        details: details ?? undefined,
        retryAfterSeconds: Number(answer.headers["retry-after"]) || undefined,
      });
    }
    return unreachable(
      this.url,
      new Error(`${method} ${path} was answered with ${answer.statusCode}`),
    );
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

async function* lines(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of source) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
