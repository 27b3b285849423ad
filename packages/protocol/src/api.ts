import { z } from "zod";

import { agentSchema, cachedLoadSchema } from "./agent.js";
import { validationPolicySchema } from "./attempt.js";
import { ERRORS, type ErrorCode } from "./error.js";
import { jobEventSchema, jobSchema, resultFileSchema } from "./job.js";
import { JOB_STATUSES } from "./lifecycle.js";

const errorCodes = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

/** Body of every answer that is not a success. */
export const errorAnswerSchema = z.object({
  schema: z.literal("jobctl.error/v1"),
  error: z.object({
    code: z.enum(errorCodes),
    message: z.string(),
    hint: z.string().nullable(),
    details: z.record(z.string(), z.unknown()).nullable(),
  }),
});

/** Comma-separated or repeated query values as one list. */
const listOf = <T extends z.ZodType>(item: T) =>
  z.preprocess(
    (value) =>
      (Array.isArray(value) ? value : [value]).flatMap((part: unknown) =>
        typeof part === "string" ? part.split(",") : [part],
      ),
    z.array(item),
  );

export const JOB_SORTS = ["newest", "oldest", "runtime"] as const;

export const jobListQuerySchema = z
  .object({
    id: listOf(z.coerce.number().int().positive()).optional(),
    state: listOf(z.enum(JOB_STATUSES)).optional(),
    user: z.string().optional(),
    service: z.string().optional(),
    /** `key=value`, repeatable; all must match. */
    label: z
      .union([z.string(), z.array(z.string())])
      .transform((value) => (Array.isArray(value) ? value : [value]))
      .pipe(z.array(z.string().regex(/^[^=]+=/, "must be key=value")))
      .optional(),
    /** Submitted at or after this instant. */
    since: z.iso.datetime({ offset: true }).optional(),
    limit: z.coerce.number().int().min(1).max(1000).default(50),
    sort: z.enum(JOB_SORTS).default("newest"),
    /** `nextCursor` of the previous page. */
    cursor: z
      .string()
      .regex(/^[0-9]+$/)
      .optional(),
  })
  .strict();
export type JobListQuery = z.infer<typeof jobListQuerySchema>;

export const jobListSchema = z.object({
  schema: z.literal("jobctl.jobs/v1"),
  items: z.array(jobSchema),
  nextCursor: z.string().nullable(),
});
export type JobList = z.infer<typeof jobListSchema>;

export const jobAnswerSchema = jobSchema.extend({ schema: z.literal("jobctl.job/v1") });

/** Longest time that one long-poll is held open; a client that wants more asks again. */
export const MAX_WAIT_SECONDS = 60;

export const waitQuerySchema = z
  .object({
    /** `terminal`: until the job has ended. `change`: until its version is above `afterVersion`. */
    until: z.enum(["terminal", "change"]).default("terminal"),
    afterVersion: z.coerce.number().int().nonnegative().default(0),
    timeoutSeconds: z.coerce.number().min(0).max(MAX_WAIT_SECONDS).default(MAX_WAIT_SECONDS),
  })
  .strict();

export const logQuerySchema = z
  .object({
    stream: z.enum(["stdout", "stderr"]).default("stdout"),
    /** First byte wanted. */
    offset: z.coerce.number().int().nonnegative().default(0),
    /** Hold the connection open until the stream is complete. */
    follow: z
      .enum(["0", "1", "true", "false"])
      .default("0")
      .transform((value) => value === "1" || value === "true"),
    /** Only this attempt's output; 409 `attempt_superseded` once it has been given up. */
    attempt: z.coerce.number().int().positive().optional(),
  })
  .strict();

/** Header of a log answer: the attempt that wrote it. */
export const LOG_ATTEMPT_HEADER = "jobctl-attempt-number";

export const eventListSchema = z.object({
  schema: z.literal("jobctl.events/v1"),
  items: z.array(jobEventSchema),
  nextCursor: z.null(),
});

export const fileListSchema = z.object({
  schema: z.literal("jobctl.files/v1"),
  items: z.array(resultFileSchema),
  nextCursor: z.null(),
});

export const queueQuerySchema = z
  .object({
    limit: z.coerce.number().int().min(1).max(1000).default(50),
    /** `nextCursor` of the previous page. */
    cursor: z
      .string()
      .regex(/^[0-9]{1,9}$/)
      .optional(),
  })
  .strict();

export const queueSchema = z.object({
  schema: z.literal("jobctl.queue/v1"),
  items: z.array(jobSchema),
  nextCursor: z.string().nullable(),
});

export const agentListSchema = z.object({
  schema: z.literal("jobctl.agents/v1"),
  items: z.array(agentSchema),
  nextCursor: z.null(),
});

export const loadListSchema = z.object({
  schema: z.literal("jobctl.load/v1"),
  items: z.array(cachedLoadSchema),
  nextCursor: z.null(),
});

/** `GET /v1/info`: what a client needs to know before it submits. */
export const serverInfoSchema = z.object({
  schema: z.literal("jobctl.info/v1"),
  name: z.literal("jobctl-server"),
  version: z.string(),
  now: z.iso.datetime({ precision: 3 }),
  services: z.array(z.string()),
  /** What jobs of each service may do, by its name. */
  policies: z.record(z.string(), validationPolicySchema.extend({ network: z.boolean() })),
  limits: z.object({
    maxUploadBytes: z.number().int(),
    maxExtractedBytes: z.number().int(),
    maxArchiveEntries: z.number().int(),
    maxJobSeconds: z.number().int(),
  }),
});
export type ServerInfo = z.infer<typeof serverInfoSchema>;
