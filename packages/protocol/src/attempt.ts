import { z } from "zod";

import { MAX_GLOBS, MAX_GLOB_LENGTH } from "./glob.js";
import {
  attemptStateSchema,
  digestSchema,
  findingSchema,
  instantSchema,
  outcomeSchema,
  usageSchema,
} from "./job.js";

/** `<jobId>.<n>`: the n-th try at a job. So many digits are exact as numbers. */
export const attemptIdSchema = z.string().regex(/^[1-9][0-9]{0,14}\.[1-9][0-9]{0,8}$/);

/** Header of `PUT /v1/attempts/:id` that carries the specification: base64url of its JSON. */
export const ATTEMPT_HEADER = "jobctl-attempt";

/** How strictly scripts of a service are checked. */
export const validationPolicySchema = z.object({
  profile: z.enum(["standard", "strict", "permissive"]),
  /** Severities of single rules, by id. */
  overrides: z.record(z.string(), z.enum(["error", "warning", "info", "off"])),
  /** Hosts that jobs with the network may use, with everything below them. */
  allowHosts: z.array(z.string()),
  /** Commands that jobs may use, by name or by path, whatever a rule says of them. */
  allowCommands: z.array(z.string()),
});
export type ValidationPolicy = z.infer<typeof validationPolicySchema>;

/** What an agent needs to know to run an attempt. */
export const attemptSpecSchema = z.object({
  id: attemptIdSchema,
  jobId: z.number().int().positive(),
  attempt: z.number().int().positive(),
  service: z.string(),
  env: z.record(z.string(), z.string()),
  timeoutSeconds: z.number().int().positive(),
  cpus: z.number().int().positive(),
  memoryBytes: z.number().int().positive().nullable(),
  /**
   * Globs of the files to keep. Their grammar is checked at submit and not here, so that an agent
   * still reads the record of an attempt that was sent with an older one.
   */
  outputs: z.array(z.string().max(MAX_GLOB_LENGTH)).max(MAX_GLOBS),
  /** Whether the job may use the network. */
  network: z.boolean(),
  /** What its script may do, beside that. */
  validation: validationPolicySchema,
  archive: z.object({
    sha256: digestSchema,
    sizeBytes: z.number().int().nonnegative(),
    /** The single top-level folder that holds run.sh, or an empty string. */
    root: z.string(),
  }),
});
export type AttemptSpec = z.infer<typeof attemptSpecSchema>;

/** An attempt as its agent reports it. */
export const attemptReportSchema = z.object({
  id: attemptIdSchema,
  state: attemptStateSchema,
  /** By the agent's clock, which may be wrong: `ages` tell when it was. */
  startedAt: instantSchema.nullable(),
  finishedAt: instantSchema.nullable(),
  /**
   * Seconds from the start and from the end to this report, by a clock that is never set. Absent where the
   * agent's machine has been started since, and from agents that do not know it.
   */
  ages: z
    .object({
      startedSeconds: z.number().nonnegative().nullable(),
      finishedSeconds: z.number().nonnegative().nullable(),
    })
    .optional(),
  outcome: outcomeSchema.nullable(),
  findings: z.array(findingSchema),
  usage: usageSchema.nullable(),
  /** The result archive, from `finished` on; null when there is nothing to fetch. */
  result: z.object({ sizeBytes: z.number().int(), sha256: digestSchema }).nullable(),
  /** Why it was interrupted, where it was not the agent that went down. */
  interruption: z.literal("files_lost").optional(),
});
export type AttemptReport = z.infer<typeof attemptReportSchema>;

/** Query of `GET /v1/watch`: the longest silence that the server wants to hear. */
export const watchQuerySchema = z.object({
  heartbeatSeconds: z.coerce.number().positive().max(3600).default(30),
});

export function attemptId(jobId: number, attempt: number): string {
  return `${jobId}.${attempt}`;
}
