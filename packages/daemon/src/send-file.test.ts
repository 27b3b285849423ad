import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { fastify } from "fastify";

import type { Logger } from "./logger.js";
import { sendFile } from "./send-file.js";

describe("a file that is sent", () => {
  it("and cannot be read is an error of the file system, before anything is sent", async () => {
    const nothing = (): void => {};
    const logger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
    const app = fastify();
    app.get("/", (request, reply) => {
      const file = { path: "/there/is/none", sizeBytes: 1, etag: null, contentType: "text/plain" };
      return sendFile(request, reply, file, logger);
    });
    const answer = await app.inject("/");
    assert.equal(answer.json<{ code: string }>().code, "file_system");
    await app.close();
  });
});
