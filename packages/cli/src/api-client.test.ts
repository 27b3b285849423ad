import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";

import { JobctlError } from "@jobctl/protocol/error";

import { ApiClient, retryDelayMs } from "./api-client.js";

describe("trying again", () => {
  it("is for connections that failed, and for servers that ask for it", () => {
    assert.equal(retryDelayMs(new JobctlError("server_unreachable", ""), 1, 0), 50);
    assert.equal(retryDelayMs(new JobctlError("draining", ""), 3, 0), 200);
    assert.equal(retryDelayMs(new JobctlError("job_not_found", ""), 1, 0), null);
    assert.equal(
      retryDelayMs(new JobctlError("server_unreachable", "", { details: { status: 404 } }), 1, 0),
      null,
    );
  });

  it("tries again when a proxy says that the server is away, or that it is too much", () => {
    for (const status of [429, 502, 503, 504]) {
      const error = new JobctlError("server_unreachable", "", { details: { status } });
      assert.notEqual(retryDelayMs(error, 1, 0), null);
    }
  });

  it("waits at least as long as the server says", () => {
    assert.equal(
      retryDelayMs(new JobctlError("draining", "", { retryAfterSeconds: 2 }), 1, 0),
      2000,
    );
  });

  it("is done for a while after the first failure, however long that took to come", async () => {
    let calls = 0;
    const server = createServer((_request, response) => {
      calls += 1;
      if (calls > 1) response.end("{}");
      else setTimeout(() => response.writeHead(503).end("{}"), 600);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = new ApiClient({
      server: `http://127.0.0.1:${port}`,
      token: null,
      headers: {},
      tokenWithheld: null,
    });
    try {
      await client.json("/", { signal: new AbortController().signal, retryForMs: 500 });
      assert.equal(calls, 2);
    } finally {
      client.close();
      server.close();
    }
  });

  it("grows to a limit", () => {
    assert.equal(retryDelayMs(new JobctlError("draining", ""), 40, 1), 2000);
  });
});
