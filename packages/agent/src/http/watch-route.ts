import { answerWithStream, closedSignal, type Logger } from "@jobctl/daemon";
import { parseRequest, watchQuerySchema } from "@jobctl/protocol";
import type { FastifyInstance } from "fastify";

import type { WatchFeed } from "../attempts/watch-feed.js";

/** The stream that the server learns everything from. */
export function watchRoute(app: FastifyInstance, feed: WatchFeed, logger: Logger): void {
  app.get("/v1/watch", async (request, reply) => {
    const { heartbeatSeconds } = parseRequest(watchQuerySchema, request.query, "the request");
    const body = feed.watch(heartbeatSeconds * 1000, closedSignal(reply));
    const headers = { "content-type": "application/x-ndjson" };
    await answerWithStream(reply, { headers, body }, logger);
  });
}
