import { once } from "node:events";
import { Agent, request, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export interface Call {
  readonly method?: "GET" | "POST";
  readonly headers?: Record<string, string>;
  readonly body?: Buffer;
  /** After which the outcome is unknown. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;

/** A client of the server's interface that gives up neither early nor never. */
export class Talk {
  readonly #url: () => string;
  readonly #headers: Record<string, string>;
  readonly #sockets = new Agent({ keepAlive: true });

  /** @param url address of the server at the moment */
  constructor(url: () => string, headers: Record<string, string>) {
    this.#url = url;
    this.#headers = headers;
  }

  /** @returns null when no complete answer came: what was asked for may have been done or not */
  async call(path: string, call: Call = {}): Promise<Answer | null> {
    const outgoing = request(`${this.#url()}${path}`, {
      ...{ method: call.method ?? "GET", agent: this.#sockets },
      headers: { ...this.#headers, ...call.headers },
    });
    const timer = setTimeout(() => outgoing.destroy(), call.timeoutMs ?? TIMEOUT_MS);
    try {
      const answered = once(outgoing, "response");
      outgoing.end(call.body);
      const [answer] = (await answered) as [IncomingMessage];
      return { status: answer.statusCode ?? 0, body: await buffer(answer) };
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
      outgoing.on("error", () => {});
    }
  }

  /** The JSON of a successful answer, or null. */
  async json<T>(path: string, call: Call = {}): Promise<T | null> {
    const answer = await this.call(path, call);
    if (answer === null || answer.status >= 300) return null;
    return JSON.parse(answer.body.toString()) as T;
  }

  close(): void {
    this.#sockets.destroy();
  }
}
