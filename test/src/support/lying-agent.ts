import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";

import type { AttemptReport } from "@jobctl/protocol";

/**
 * An agent that lies about results: a real one stands behind it, whose every result is replaced, in
 * the reports as well as in the transfer.
 */
export class LyingAgent {
  /** What it sends as the result of every attempt. */
  result: Buffer = Buffer.alloc(0);
  /** Attempts that the server has acknowledged. */
  readonly deleted: string[] = [];
  readonly #server = createServer((incoming, answer) => {
    void this.#pass(incoming, answer).catch(() => answer.destroy());
  });
  #agentUrl = "";

  /** @returns the address at which it stands in for the agent */
  async standInFor(agentUrl: string): Promise<string> {
    this.#agentUrl = agentUrl;
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const path = incoming.url ?? "";
    if (path.endsWith("/result")) {
      answer.writeHead(200, { "content-length": this.result.length }).end(this.result);
      return;
    }
    const onward = request(this.#agentUrl + path, {
      method: incoming.method,
      headers: incoming.headers,
    });
    answer.once("close", () => onward.destroy());
    incoming.pipe(onward);
    const [given] = (await once(onward, "response")) as [IncomingMessage];
    if (incoming.method === "DELETE") this.deleted.push(path.split("/").at(-1) ?? "");
    const headers = { ...given.headers };
    delete headers["content-length"];
    answer.writeHead(given.statusCode ?? 500, headers);
    answer.flushHeaders();
    if (given.headers["content-type"]?.includes("json") !== true) {
      await pipeline(given, answer);
      return;
    }
    for await (const line of linesOf(given)) answer.write(this.#rewritten(line));
    answer.end();
  }

  /** The same JSON, with the result in every report replaced. */
  #rewritten(text: string): string {
    const { sizeBytes, sha256 } = {
      sizeBytes: this.result.length,
      sha256: createHash("sha256").update(this.result).digest("hex"),
    };
    return text.replaceAll(
      /"result":\{"sizeBytes":\d+,"sha256":"[0-9a-f]{64}"\}/g,
      `"result":${JSON.stringify({ sizeBytes, sha256 } satisfies AttemptReport["result"])}`,
    );
  }
}

async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of source) {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield `${line}\n`;
  }
  if (rest !== "") yield rest;
}
