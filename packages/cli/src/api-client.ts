import * as http from "node:http";
import { setTimeout as delay } from "node:timers/promises";

import type { ErrorBody } from "@jobctl/protocol";
import { JobctlError, isErrorCode, toJobctlError } from "@jobctl/protocol/error";
import { VERSION, VERSION_HEADER } from "@jobctl/protocol/version";

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2000;
const CONNECT_MS = 10_000;
/** Enough for another server to take over. */
const RETRY_FOR_MS = 15_000;
/** Enough for a server to be restarted: for calls that are made at night, or wait anyway. */
export const RECONNECT_FOR_MS = 120_000;

export interface ApiRequest {
  readonly method?: "GET" | "POST" | "HEAD" | "DELETE";
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Made anew for every try. */
  readonly body?: () => AsyncIterable<Buffer>;
  readonly signal: AbortSignal;
  /** Longest silence of the connection; 0 for none. Default: 60 s. */
  readonly silenceMs?: number;
  /** For how long connection errors, 429 and 503 are tried again, from the first on. Default: 15 s. */
  readonly retryForMs?: number;
  /** Statuses from 400 on that are an answer all the same. */
  readonly alsoAccept?: readonly number[];
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: http.IncomingMessage;
}

export interface ApiClientSettings {
  readonly server: string;
  readonly token: string | null;
  /** For a proxy in front of the server. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tokenWithheld: string | null;
  /** Called before a try is repeated. */
  readonly onRetry?: (error: JobctlError, afterMs: number) => void;
}

/**
 * The server's interface. It speaks through node:http, which is there already, where undici would
 * cost each start of the command as much as starting Node.
 */
export class ApiClient {
  readonly server: string;
  readonly #settings: ApiClientSettings;
  #agent: http.Agent | null = null;

  constructor(settings: ApiClientSettings) {
    this.server = settings.server;
    this.#settings = settings;
  }

  close(): void {
    this.#agent?.destroy();
  }

  /**
   * A JSON answer. The server validates what it sends against the same schemas, so it is not parsed
   * again here: that would cost as much as the rest of the command.
   */
  async json<T>(path: string, request: ApiRequest): Promise<T> {
    return this.#retry(request, async () => {
      const answer = await this.#sendOnce(path, request);
      return JSON.parse(await text(answer.body)) as T;
    });
  }

  /**
   * Sends a request, and again after connection errors, 429 and 503. The body is for the caller to
   * read.
   *
   * @throws JobctlError the server's, or `server_unreachable`
   */
  async send(path: string, request: ApiRequest): Promise<ApiAnswer> {
    return this.#retry(request, () => this.#sendOnce(path, request));
  }

  async #retry<T>(request: ApiRequest, once: () => Promise<T>): Promise<T> {
    // An upload may have gone on for long before it fails for the first time.
    let until: number | null = null;
    for (let failures = 1; ; failures += 1) {
      try {
        return await once();
      } catch (thrown) {
        request.signal.throwIfAborted();
        const error = toJobctlError(thrown);
        until ??= performance.now() + (request.retryForMs ?? RETRY_FOR_MS);
        const waitMs = retryDelayMs(error, failures, Math.random());
        if (waitMs === null || performance.now() + waitMs > until) throw error;
        this.#settings.onRetry?.(error, waitMs);
        await delay(waitMs, undefined, { signal: request.signal });
      }
    }
  }

  async #sendOnce(path: string, request: ApiRequest): Promise<ApiAnswer> {
    const url = new URL(this.server + path);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      for (const one of Array.isArray(value) ? (value as string[]) : [value]) {
        if (one !== undefined) url.searchParams.append(name, String(one));
      }
    }
    const body = await this.#exchange(url, request);
    const status = body.statusCode ?? 0;
    if (status < 400 || request.alsoAccept?.includes(status) === true)
      return { status, headers: body.headers, body };
    throw this.#refusal(status, body.headers, await text(body).catch(() => ""));
  }

  async #exchange(url: URL, request: ApiRequest): Promise<http.IncomingMessage> {
    const { request: start, Agent } = url.protocol === "https:" ? await import("node:https") : http;
    this.#agent ??= new Agent({ keepAlive: true });
    const json = request.json === undefined ? undefined : JSON.stringify(request.json);
    const silenceMs = request.silenceMs ?? 60_000;
    const outgoing = start(url, {
      method: request.method ?? "GET",
      agent: this.#agent,
      signal: request.signal,
      headers: {
        [VERSION_HEADER]: VERSION,
        "user-agent": `jobctl/${VERSION}`,
        ...(this.#settings.token === null
          ? {}
          : { authorization: `Bearer ${this.#settings.token}` }),
        ...this.#settings.headers,
        ...(json === undefined
          ? {}
          : {
              "content-type": "application/json",
              "content-length": String(Buffer.byteLength(json)),
            }),
        ...request.headers,
      },
    });
    const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
      let limitMs = CONNECT_MS;
      const limitSilence = (ms: number): void => {
        limitMs = ms;
        outgoing.setTimeout(ms);
      };
      limitSilence(CONNECT_MS);
      outgoing.on(
        "timeout",
        () => void outgoing.destroy(new Error(`no answer for ${limitMs / 1000} s`)),
      );
      outgoing.once("socket", (socket) => {
        if (socket.connecting) socket.once("connect", () => limitSilence(silenceMs));
        else limitSilence(silenceMs);
      });
      outgoing.once("response", resolve);
      outgoing.once("error", (error) => reject(unreachable(this.server, error)));
    });
    if (request.body === undefined) {
      outgoing.end(json);
      return answered;
    }
    const sent = sendBody(outgoing, request.body());
    // The server may answer, and refuse, before everything has been sent.
    await Promise.race([answered, sent]);
    sent.catch(() => {});
    return answered;
  }

  #refusal(status: number, headers: http.IncomingHttpHeaders, body: string): JobctlError {
    const { code, message, hint, details } = parseError(body);
    if (!isErrorCode(code)) {
      return new JobctlError(
        "server_unreachable",
        `${this.server} answered with HTTP ${status}, which is not jobctl's`,
        {
          hint: "Check the address: jobctl config show --origin.",
          details: { status },
        },
      );
    }
    return new JobctlError(code, message ?? code, {
      hint:
        code === "unauthorized" && this.#settings.tokenWithheld !== null
          ? `No token was sent: ${this.#settings.tokenWithheld}. Trust it with jobctl config set server ${this.server}.`
          : (hint ?? undefined),
      details: details ?? undefined,
      retryAfterSeconds: Number(headers["retry-after"]) || undefined,
    });
  }
}

/**
 * How long to wait before another try; null when it would not help.
 *
 * @param failures tries that have failed, from 1
 * @param random a number in [0, 1)
 */
export function retryDelayMs(error: JobctlError, failures: number, random: number): number | null {
  const again =
    error.code === "server_unreachable"
      ? isPassing(error.details?.["status"])
      : error.status === 503 || error.status === 429;
  if (!again) return null;
  const backoff =
    Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1)) * (0.5 + random / 2);
  return Math.max(backoff, (error.retryAfterSeconds ?? 0) * 1000);
}

/** Without an answer, or with one of a proxy that did not get any, or thinks that it is too much. */
function isPassing(status: unknown): boolean {
  return (
    status === undefined || status === 429 || status === 502 || status === 503 || status === 504
  );
}

async function sendBody(outgoing: http.ClientRequest, body: AsyncIterable<Buffer>): Promise<void> {
  const { pipeline } = await import("node:stream/promises");
  await pipeline(body, outgoing);
}

/** Longest answer that is kept in memory: a listing of a million long paths. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** @throws JobctlError `server_unreachable` when the answer is cut short, or has no end */
export async function text(body: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      length += (chunk as Buffer).length;
      if (length > MAX_ANSWER_BYTES) {
        throw new Error(`its answer has more than ${MAX_ANSWER_BYTES} bytes`);
      }
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw unreachable("the server", error);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function unreachable(server: string, cause: unknown): JobctlError {
  const reason =
    (cause as Error).message || ((cause as NodeJS.ErrnoException).code ?? "connection failed");
  return new JobctlError("server_unreachable", `${server} cannot be reached: ${reason}`, {
    hint: "Is the server running (jobctl up), and is the address right (jobctl config show --origin)?",
    cause,
  });
}

function parseError(body: string): Partial<ErrorBody> {
  try {
    return (JSON.parse(body) as { error?: Partial<ErrorBody> }).error ?? {};
  } catch {
    return {};
  }
}
