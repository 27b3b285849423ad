import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import {
  enrolmentMac,
  makeEphemeral,
  makeKeyPair,
  makeNonce,
  proofText,
  signText,
  transcriptOf,
} from "@jobctl/daemon";
import { ATTEMPT_HEADER, attemptSpecSchema, type ServerHello } from "@jobctl/protocol";

import { AGENT_TOKEN } from "./cluster.js";

type Json = Record<string, unknown>;

/** What a lie may look at, and change. */
export interface Stage {
  /** An attempt that runs on an honest agent. */
  readonly foreignId: string;
  /** Name of that agent. */
  readonly foreignName: string;
}

/** One way to lie. What it does not say is said honestly. */
export interface Lie {
  /** The answer to the first message of the handshake. */
  readonly hello?: (honest: Json, stage: Stage) => Json;
  /** The answer to the second. */
  readonly proof?: (honest: Json, stage: Stage) => Json;
  /** Always the same nonce and the same half of the key exchange. */
  readonly fixedNonce?: boolean;
  /** The answer to the second message is the one that was right at an earlier time. */
  readonly replay?: boolean;
  readonly snapshot?: (honest: Json, stage: Stage) => unknown;
  /** Called when the snapshot has been sent. */
  readonly stream?: (response: ServerResponse, stage: Stage) => void;
  /** Answers any call after the handshake; false leaves it to the honest part. */
  readonly answer?: (request: IncomingMessage, response: ServerResponse, stage: Stage) => boolean;
  /** Answers any call at all. */
  readonly anything?: (request: IncomingMessage, response: ServerResponse) => void;
  /** What it reports of the attempt that was given to it. */
  readonly report?: (honest: Json) => Json;
  /** How it sends its result. */
  readonly result?: (response: ServerResponse, result: Buffer) => void;
}

const HOUR = "2026-01-02T03:04:05.678Z";

/** A report of an attempt that ended well, with this result. */
export function finishedReport(id: string, result: Buffer): Json {
  return {
    ...{ id, state: "finished", startedAt: HOUR, finishedAt: HOUR },
    outcome: { reason: "exited", exitCode: 0, signal: null, message: "forged" },
    findings: [],
    usage: { wallSeconds: 1, cpuSeconds: 1, maxRssBytes: 1 },
    result: {
      sizeBytes: result.length,
      sha256: createHash("sha256").update(result).digest("hex"),
    },
  };
}

/** An agent of our own that knows the enrolment secret, takes every job, and lies as it is told. */
export class MaliciousAgent {
  readonly name: string;
  /** Changed while it runs; connections that are open go on as they began. */
  lie: Lie;
  /** What it says it has computed. */
  resultBytes: Buffer = randomBytes(70_000);
  /** Calls that came, by method and route. */
  readonly calls = new Map<string, number>();
  /** Bearer tokens that it was sent. */
  readonly tokens = new Set<string>();
  readonly #stage: Stage;
  readonly #keys = makeKeyPair();
  readonly #fixed = { nonce: makeNonce(), ephemeral: makeEphemeral() };
  readonly #handshakes = new Map<string, string>();
  readonly #server: Server;
  #ownId: string | null = null;
  #oldProof: Json | null = null;

  private constructor(name: string, lie: Lie, stage: Stage) {
    this.name = name;
    this.lie = lie;
    this.#stage = stage;
    this.#server = createServer((request, response) => {
      response.on("error", () => {});
      request.on("error", () => {});
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** It serves jobs of the service that is called like itself. */
  static async start(name: string, lie: Lie, stage: Stage): Promise<MaliciousAgent> {
    const agent = new MaliciousAgent(name, lie, stage);
    agent.#server.listen(0, "127.0.0.1");
    await once(agent.#server, "listening");
    return agent;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  count(call: string): number {
    return this.calls.get(call) ?? 0;
  }

  /** Ends every connection, so that the server connects again and meets the present lie. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    const route = `${method} ${url.replace(/\?.*/, "").replace(/[0-9]+\.[0-9]+/, ":id")}`;
    this.calls.set(route, this.count(route) + 1);
    const { authorization } = request.headers;
    if (authorization !== undefined) this.tokens.add(authorization);
    if (this.lie.anything !== undefined) return this.lie.anything(request, response);
    if (route === "POST /v1/session") return this.#hello(await bodyOf(request), response);
    if (route === "PUT /v1/session") return this.#prove(await bodyOf(request), response);
    if (this.lie.answer?.(request, response, this.#stage) === true) return;
    switch (route) {
      case "GET /v1/watch":
        return this.#watch(response);
      case "PUT /v1/attempts/:id":
        return this.#take(request, response);
      case "GET /v1/attempts/:id/result":
        return this.#sendResult(response);
      case "GET /v1/attempts":
        return send(response, 200, { items: this.#reports });
      case "GET /load":
        return send(response, 200, load());
      case "DELETE /v1/attempts/:id":
        response.statusCode = 204;
        response.end();
        return;
      default:
        return send(response, 404, refusal("attempt_not_found", "it is not here"));
    }
  }

  #hello(body: unknown, response: ServerResponse): void {
    const server = body as ServerHello;
    const { nonce, ephemeral } =
      this.lie.fixedNonce === true
        ? this.#fixed
        : { nonce: makeNonce(), ephemeral: makeEphemeral() };
    const honest = {
      ...{ protocol: 1 as const, handshake: randomBytes(16).toString("base64url") },
      ...{ name: this.name, key: this.#keys.publicKey, nonce, ephemeral: ephemeral.publicKey },
      enrolled: false,
    };
    const said = { ...honest, ...this.lie.hello?.(honest, this.#stage) };
    const transcript = transcriptOf(server, said);
    this.#handshakes.set(said.handshake, transcript);
    const signature = signText(proofText("agent", transcript), this.#keys);
    send(response, 201, { signature, ...said });
  }

  #prove(body: unknown, response: ServerResponse): void {
    const { handshake, enrol } = body as { handshake: string; enrol: boolean };
    const transcript = this.#handshakes.get(handshake) ?? "";
    const honest = { macs: enrol ? [enrolmentMac(AGENT_TOKEN, "agent", transcript)] : [] };
    const proof =
      this.lie.replay === true && this.#oldProof !== null
        ? this.#oldProof
        : (this.lie.proof?.(honest, this.#stage) ?? honest);
    this.#oldProof ??= honest;
    send(response, 200, proof);
  }

  #watch(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    const honest = {
      type: "snapshot",
      agent: {
        ...{ name: this.name, version: "0.1.0", slots: 1, cpus: 1, memoryBytes: 1e9 },
        ...{ services: [this.name], sandbox: "process", capabilities: [] },
      },
      attempts: this.#reports,
      load: load(),
    };
    const snapshot = this.lie.snapshot?.(honest, this.#stage) ?? honest;
    response.write(typeof snapshot === "string" ? snapshot : `${JSON.stringify(snapshot)}\n`);
    if (this.lie.stream !== undefined) return this.lie.stream(response, this.#stage);
    const beat = setInterval(() => {
      response.write(`${JSON.stringify({ type: "heartbeat", at: new Date().toISOString() })}\n`);
    }, 1000);
    response.once("close", () => clearInterval(beat));
  }

  /** Every job ends at once, with the result that it claims. */
  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const header = String(request.headers[ATTEMPT_HEADER]);
    const spec = attemptSpecSchema.parse(JSON.parse(Buffer.from(header, "base64url").toString()));
    for await (const _chunk of request);
    this.#ownId = spec.id;
    const [report] = this.#reports;
    send(response, 201, report);
  }

  get #reports(): Json[] {
    if (this.#ownId === null) return [];
    const honest = finishedReport(this.#ownId, this.resultBytes);
    return [{ ...honest, ...this.lie.report?.(honest) }];
  }

  #sendResult(response: ServerResponse): void {
    if (this.lie.result !== undefined) return this.lie.result(response, this.resultBytes);
    response.writeHead(200, { "content-type": "application/x-tar" });
    response.end(this.resultBytes);
  }
}

export function load(): Json {
  return {
    ...{ cpuPercent: 1, load1: 0, memoryUsedBytes: 1, memoryTotalBytes: 10 },
    ...{ slotsUsed: 0, slotsTotal: 1, draining: false, sampledAt: new Date().toISOString() },
  };
}

export function refusal(code: string, message: string): Json {
  return { schema: "jobctl.error/v1", error: { code, message, hint: null, details: null } };
}

/** Writes the same piece again and again, as fast as it is taken, until the connection ends. */
export function writeForever(response: ServerResponse, piece: () => Buffer | string): void {
  const write = (): void => {
    while (!response.destroyed && response.write(piece()));
  };
  response.on("drain", write);
  write();
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
}
