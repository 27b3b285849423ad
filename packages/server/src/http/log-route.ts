import { answerWithStream, closedSignal, type Logger } from "@jobctl/daemon";
import { LOG_ATTEMPT_HEADER, logQuerySchema } from "@jobctl/protocol";

import { byteAnswer, type ApiApp } from "./api-app.js";
import { openJobLog, type JobLogParts } from "./job-log.js";
import { jobParams } from "./job-routes.js";

/**
 * Output of a job, from a byte offset. With `follow` the connection stays open from before the job
 * starts until the stream is complete. A connection that ends in any other way is to be opened
 * again at the offset that has been reached.
 */
export function logRoute(
  app: ApiApp,
  parts: JobLogParts,
  stopping: AbortSignal,
  logger: Logger,
): void {
  app.get(
    "/v1/jobs/:id/logs",
    {
      schema: {
        summary: "Output of a job, from a byte offset",
        tags: ["jobs"],
        params: jobParams,
        querystring: logQuerySchema,
        response: byteAnswer("The bytes as the job wrote them"),
      },
    },
    async (request, reply) => {
      const { stream, offset, follow, attempt } = request.query;
      const log = await openJobLog(
        {
          jobId: request.params.id,
          stream,
          offset,
          follow,
          attempt,
          signal: closedSignal(reply, stopping),
        },
        parts,
      );
      const headers = {
        "content-type": "application/octet-stream",
        [LOG_ATTEMPT_HEADER]: log.attempt,
      };
      await answerWithStream(reply, { headers, body: log.bytes }, logger);
    },
  );
}
