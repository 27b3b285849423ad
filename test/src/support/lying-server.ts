import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { Job } from "@jobctl/protocol";

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A server that says whatever a test wants it to: what a command must not believe. */
export class LyingServer {
  readonly answers = new Map<string, Answer>();
  /** What it answers to every other path; null for 404. */
  otherwise: Answer | null = null;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const path = new URL(request.url ?? "/", "http://localhost").pathname;
      const answer = this.answers.get(path) ?? this.otherwise;
      if (answer === null) response.writeHead(404).end("{}");
      else answer(response, request);
    });
  }

  static async start(): Promise<LyingServer> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new LyingServer(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  answerJson(path: string, value: unknown, status = 200): void {
    this.answers.set(path, (response) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(value));
    });
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** A job that has completed, with these fields in place of its own. */
export function completedJob(fields: Partial<Job> = {}): Job {
  const at = "2026-01-01T00:00:00.000Z";
  return {
    id: 1,
    name: "job",
    tenant: "default",
    user: "me",
    service: "default",
    labels: {},
    status: "completed",
    reason: "exited",
    position: null,
    outcome: { reason: "exited", exitCode: 0, signal: null, message: null },
    findings: [],
    attempt: 1,
    agent: "agent",
    priority: 0,
    submittedAt: at,
    startedAt: at,
    finishedAt: at,
    runtimeSeconds: 0,
    expiresAt: null,
    cancelRequestedAt: null,
    timeoutSeconds: 60,
    resources: { cpus: 1, memoryBytes: null },
    usage: null,
    retries: 0,
    attempts: [],
    input: { sizeBytes: 1, sha256: "0".repeat(64) },
    result: { sizeBytes: 1024 * 1024, sha256: "0".repeat(64) },
    version: 1,
    ...fields,
  };
}
