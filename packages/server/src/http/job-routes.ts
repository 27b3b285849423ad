import {
  eventListSchema,
  isTerminal,
  jobAnswerSchema,
  jobListQuerySchema,
  jobListSchema,
  queueQuerySchema,
  queueSchema,
  waitQuerySchema,
} from "@jobctl/protocol";
import { closedSignal, signalWithin } from "@jobctl/daemon";
import { z } from "zod";

import type { JobService } from "../jobs/job-service.js";
import type { JobRow } from "../store/job-row.js";
import type { ApiApp } from "./api-app.js";

export const jobParams = z.object({ id: z.coerce.number().int().positive() });

/** Looking at jobs, waiting for them, cancelling them. */
export function jobRoutes(app: ApiApp, jobs: JobService, stopping: AbortSignal): void {
  app.get(
    "/v1/jobs",
    {
      schema: {
        summary: "List jobs",
        tags: ["jobs"],
        querystring: jobListQuerySchema,
        response: { 200: jobListSchema },
      },
    },
    async (request) => ({ schema: "jobctl.jobs/v1" as const, ...jobs.list(request.query) }),
  );

  app.get(
    "/v1/jobs/:id",
    {
      schema: {
        summary: "One job",
        tags: ["jobs"],
        params: jobParams,
        response: { 200: jobAnswerSchema },
      },
    },
    async (request) => ({ schema: "jobctl.job/v1" as const, ...jobs.get(request.params.id) }),
  );

  app.get(
    "/v1/jobs/:id/wait",
    {
      schema: {
        summary: "Wait until a job has changed or ended (long poll)",
        tags: ["jobs"],
        params: jobParams,
        querystring: waitQuerySchema,
        response: { 200: jobAnswerSchema },
      },
    },
    async (request, reply) => {
      const { until, afterVersion, timeoutSeconds } = request.query;
      const limit = signalWithin(timeoutSeconds * 1000, closedSignal(reply, stopping));
      const isReached = (row: JobRow): boolean =>
        isTerminal(row.status) || (until === "change" && row.version > afterVersion);
      try {
        const job = await jobs.wait(request.params.id, isReached, limit.signal);
        return { schema: "jobctl.job/v1" as const, ...job };
      } finally {
        limit.release();
      }
    },
  );

  app.post(
    "/v1/jobs/:id/cancel",
    {
      schema: {
        summary: "Ask for a job to be stopped; repeating it changes nothing",
        tags: ["jobs"],
        params: jobParams,
        response: { 200: jobAnswerSchema.extend({ requested: z.boolean() }) },
      },
    },
    async (request) => {
      const { job, requested } = jobs.cancel(request.params.id);
      return { schema: "jobctl.job/v1" as const, ...job, requested };
    },
  );

  app.get(
    "/v1/jobs/:id/events",
    {
      schema: {
        summary: "Every change of one job",
        tags: ["jobs"],
        params: jobParams,
        response: { 200: eventListSchema },
      },
    },
    async (request) => ({
      schema: "jobctl.events/v1" as const,
      items: jobs.history(request.params.id),
      nextCursor: null,
    }),
  );

  app.get(
    "/v1/queue",
    {
      schema: {
        summary: "What waits, why, and where",
        tags: ["jobs"],
        querystring: queueQuerySchema,
        response: { 200: queueSchema },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const page = jobs.queue(Number(cursor ?? 0), limit);
      return { schema: "jobctl.queue/v1" as const, ...page };
    },
  );
}
