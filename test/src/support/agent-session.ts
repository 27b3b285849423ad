import { randomUUID } from "node:crypto";

import { leaseIdOf, makeKeyPair, openSession, type Installation } from "@jobctl/daemon";
import { EPOCH_HEADER, INSTALLATION_HEADER } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { AGENT_TOKEN, type Cluster } from "./cluster.js";

/** A server as agents see it. */
export interface TestServer {
  readonly installation: Installation;
  readonly epoch: number;
  readonly lease: string;
  /** What it proves to agents that do not know it. */
  readonly secrets: readonly string[];
}

/** An installation that no agent knows yet. */
export function newServer(secrets: readonly string[] = [AGENT_TOKEN], epoch = 1): TestServer {
  const installation = { id: randomUUID(), keys: makeKeyPair() };
  return { installation, epoch, lease: leaseIdOf("test", 0), secrets };
}

/** The installation of a cluster's server, from its database. */
export function serverOf(cluster: Cluster): TestServer {
  const db = new Database(`${cluster.dataPath}/jobctl.db`, { readonly: true });
  try {
    const { uuid, publicKey, privateKey } = db
      .prepare("SELECT uuid, public_key AS publicKey, private_key AS privateKey FROM installation")
      .get() as { uuid: string; publicKey: string; privateKey: string };
    const { epoch, holder, since } = db.prepare("SELECT epoch, holder, since FROM lease").get() as {
      epoch: number;
      holder: string;
      since: number;
    };
    const installation = { id: uuid, keys: { publicKey, privateKey } };
    return { installation, epoch, lease: leaseIdOf(holder, since), secrets: [AGENT_TOKEN] };
  } finally {
    db.close();
  }
}

/** A client of an agent's interface: what a server would call, by hand. */
export class AgentSession {
  readonly url: string;
  readonly #server: TestServer;
  #token = "";

  private constructor(url: string, server: TestServer) {
    this.url = url;
    this.#server = server;
  }

  /** @throws JobctlError, or an Error with the body that the agent refuses the handshake with */
  static async open(url: string, server: TestServer): Promise<AgentSession> {
    const session = new AgentSession(url, server);
    await session.renew();
    return session;
  }

  /** Begins a new session, which ends every other of this agent. */
  async renew(): Promise<void> {
    const { token } = await openSession({
      ...this.#server,
      purpose: "work",
      send: async (method, message) => {
        const answer = await fetch(`${this.url}/v1/session`, {
          method,
          headers: { "content-type": "application/json" },
          body: JSON.stringify(message),
        });
        const text = await answer.text();
        if (!answer.ok) throw new Error(text);
        return JSON.parse(text);
      },
      keyOf: () => null,
    });
    this.#token = token;
  }

  get headers(): Record<string, string> {
    return {
      authorization: `Bearer ${this.#token}`,
      [INSTALLATION_HEADER]: this.#server.installation.id,
      [EPOCH_HEADER]: String(this.#server.epoch),
    };
  }

  /** A call with the session's token; when another session has ended it, in a new one. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const send = (): Promise<Response> =>
      fetch(`${this.url}${path}`, { ...init, headers: { ...this.headers, ...init.headers } });
    const answer = await send();
    if (answer.status !== 401) return answer;
    await answer.body?.cancel();
    await this.renew();
    return send();
  }
}
