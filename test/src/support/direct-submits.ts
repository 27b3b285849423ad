import { createHash } from "node:crypto";
import { once } from "node:events";
import { request, type Agent, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

import type { SubmissionInput } from "@jobctl/protocol";

import type { Cluster } from "./cluster.js";
import { tarArchive } from "./tar-bytes.js";

/** An archive with a script, and with these bytes besides. */
export function jobArchive(script: string, data: Buffer = Buffer.alloc(0)): Buffer {
  return tarArchive([
    { path: "run.sh", content: script },
    { path: "data.bin", content: data },
  ]);
}

export interface Upload {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** What is sent to submit an archive. */
export function uploadOf(archive: Buffer, options: SubmissionInput = {}): Upload {
  const part = (name: string): string =>
    `--x\r\ncontent-disposition: form-data; name="${name}"${name === "archive" ? '; filename="job.tar"' : ""}\r\n\r\n`;
  const body = Buffer.concat([
    Buffer.from(`${part("job")}${JSON.stringify(options)}\r\n${part("archive")}`),
    archive,
    Buffer.from("\r\n--x--\r\n"),
  ]);
  const headers = {
    "content-type": "multipart/form-data; boundary=x",
    "content-length": String(body.length),
  };
  return { headers, body };
}

/** A job that the server has acknowledged. */
export interface Acknowledged {
  readonly id: number;
  /** What the job writes into its result.txt. */
  readonly text: string;
  /** Digest of the archive that was sent. */
  readonly sha256: string;
}

export interface LoadSettings {
  /** How many submit at once. */
  readonly loops: number;
  /** Connections that are used again; without it each request has its own. */
  readonly agent?: Agent;
  /** What each of them waits between two submits. */
  readonly pauseMs?: number;
}

/**
 * Submits again and again, each time a different archive, without the command line: its start-up would be
 * the limit. Ends by itself when the server is gone.
 */
export class SubmitLoad {
  readonly acknowledged: Acknowledged[] = [];
  /** Answers that began and did not end. */
  readonly cut: string[] = [];
  readonly #cluster: Cluster;
  readonly #agent: Agent | false;
  readonly #pauseMs: number;
  readonly #loops: Promise<void>[];
  #next = 0;
  #stopped = false;

  constructor(cluster: Cluster, { loops, agent, pauseMs = 0 }: LoadSettings) {
    this.#cluster = cluster;
    this.#agent = agent ?? false;
    this.#pauseMs = pauseMs;
    this.#loops = Array.from({ length: loops }, () => this.#loop());
  }

  async stop(): Promise<this> {
    this.#stopped = true;
    await Promise.all(this.#loops);
    return this;
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      this.#next += 1;
      if (!(await this.#submit(`number ${this.#next}\n`))) return;
      if (this.#pauseMs > 0) await delay(this.#pauseMs);
    }
  }

  /** @returns whether the server is there */
  async #submit(text: string): Promise<boolean> {
    const archive = jobArchive(`printf '%s' '${text}' > result.txt\n`);
    const { headers, body } = uploadOf(archive);
    const outgoing = request(`${this.#cluster.server.url}/v1/jobs`, {
      ...{ method: "POST", agent: this.#agent },
      headers: { ...this.#cluster.authorization, ...headers },
    });
    outgoing.end(body);
    let began = false;
    try {
      const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
      began = true;
      const said = (await buffer(answer)).toString();
      if (answer.statusCode === 201) {
        const { id } = JSON.parse(said) as { id: number };
        const sha256 = createHash("sha256").update(archive).digest("hex");
        this.acknowledged.push({ id, text, sha256 });
      }
      return true;
    } catch (error) {
      if (began) this.cut.push(String(error));
      return began;
    }
  }
}
