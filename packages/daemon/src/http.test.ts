import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, it } from "node:test";

import { fastify, type FastifyInstance } from "fastify";

import { limitBodies } from "./body-limits.js";
import { createHttpServer } from "./http-server.js";
import { RouteTable } from "./route-table.js";

describe("a request whose body stalls", () => {
  let app: FastifyInstance;
  beforeEach(async () => {
    const settings = { maxHeaderBytes: 1000 };
    app = fastify({ serverFactory: (handler) => createHttpServer(handler, settings) });
    limitBodies(app, 50);
    app.post("/", async () => "done");
    app.get("/", async (_request, reply) => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return reply.send("done");
    });
    await app.listen({ host: "127.0.0.1", port: 0 });
  });
  afterEach(() => app.close());

  const ask = async (request: string): Promise<string> => {
    const socket = connect((app.server.address() as AddressInfo).port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(request);
    return text(socket);
  };

  it("is answered with 408, and its connection is closed", async () => {
    const answer = await ask(
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\nhalf",
    );
    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.match(answer, /"schema":"jobctl\.error\/v1".*"request_timeout"/);
  });

  it("is not one that has no body and is answered late", async () => {
    const answer = await ask("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert.match(answer, /^HTTP\/1\.1 200 [^]*done$/);
  });
});

describe("the methods of a path", () => {
  it("are those of every route that it fits", () => {
    const app = fastify();
    const routes = new RouteTable(app);
    const answer = async (): Promise<void> => {};
    app.get("/v1/jobs/:id", answer);
    app.delete("/v1/jobs/:id", answer);
    app.get("/v1/jobs/:id/files/*", answer);
    assert.deepEqual(routes.methodsOf("/v1/jobs/5?x=1"), ["DELETE", "GET", "HEAD"]);
    assert.deepEqual(routes.methodsOf("/v1/jobs/5/files/a/b"), ["GET", "HEAD"]);
    for (const path of ["/", "/v1/jobs", "/v1/jobs/5/other", "nonsense", ""])
      assert.deepEqual(routes.methodsOf(path), [], path);
  });
});
