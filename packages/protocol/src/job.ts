import { z } from "zod";

import { MAX_GLOBS, MAX_GLOB_LENGTH, globsProblem } from "./glob.js";
import { ATTEMPT_STATES, JOB_STATUSES, OUTCOME_REASONS } from "./lifecycle.js";

/** An instant, UTC, ISO 8601 with milliseconds. */
export const instantSchema = z.iso.datetime({ precision: 3 });

/** A SHA-256 in lower-case hexadecimal. */
export const digestSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in lower-case hex");

const fileRefSchema = z.object({
  sizeBytes: z.number().int().nonnegative(),
  sha256: digestSchema,
});

/** An archive or a result of a job, as the server has it. */
const storedFileSchema = fileRefSchema.extend({
  /** What is wrong with the stored file, for people; null when no damage is known. */
  damage: z.string().nullable().optional(),
});

const labelKey = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/, "letters, digits and . _ - / only, at most 63");
/** Variables that bash sets itself and keeps read-only, or overwrites. */
const SET_BY_BASH = ["BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"];

/** Whether bash can be given a variable of this name. */
export function isShellVariable(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !SET_BY_BASH.includes(name);
}

const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "letters, digits and _ only, not starting with a digit")
  .refine((name) => !name.startsWith("JOBCTL_"), "names that start with JOBCTL_ are reserved")
  .refine((name) => !SET_BY_BASH.includes(name), {
    error: ({ input }) => `${String(input)} cannot be given to a job: bash sets it itself`,
  });
const noNul = z.string().refine((text) => !text.includes("\0"), "must not contain a NUL character");

/** Globs as `glob.ts` describes them. */
const globsSchema = z
  .array(z.string().min(1).max(MAX_GLOB_LENGTH))
  .max(MAX_GLOBS)
  .superRefine((globs, context) => {
    const message = globsProblem(globs);
    if (message !== null) context.addIssue({ code: "custom", message });
  });

export const serviceNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, "lower-case letters, digits, - and _ only, at most 63");

/** Largest environment that a job may ask for, names and values together: it travels in a header. */
export const MAX_ENV_BYTES = 32 * 1024;

/** A listing holds the labels of a thousand jobs. */
const MAX_LABELS = 64;

/** What a user can say about a job; every field has a default on the server. */
export const jobOptionsSchema = z
  .object({
    /** For people; default: the directory's name, or `job`. */
    name: noNul.min(1).max(128).optional(),
    service: serviceNameSchema.default("default"),
    /** Who within the tenant; for fair turns, limits and `--mine`. */
    user: noNul.min(1).max(64).optional(),
    labels: z
      .record(labelKey, noNul.max(256))
      .default({})
      .refine((labels) => Object.keys(labels).length <= MAX_LABELS, {
        error: `must not be more than ${MAX_LABELS}`,
      }),
    /** Added to the job's environment. */
    env: z
      .record(variableName, noNul)
      .default({})
      .refine((env) => JSON.stringify(env).length <= MAX_ENV_BYTES, {
        error: `must not exceed ${MAX_ENV_BYTES} bytes in all`,
      }),
    /** Wall time; default and upper bound: the server's JOBCTL_MAX_JOB_SECONDS. */
    timeoutSeconds: z.number().int().positive().optional(),
    cpus: z.number().int().positive().max(1024).default(1),
    /** Memory to reserve on the agent; null reserves nothing. */
    memoryBytes: z.number().int().positive().nullable().default(null),
    /** Among the jobs of one user the higher goes first. */
    priority: z.number().int().min(-1000).max(1000).default(0),
    /** Globs of the files to keep; empty keeps the whole workspace. */
    outputs: globsSchema.default([]),
    /** Whether the job may be queued again when its agent is lost. */
    requeue: z.boolean().default(true),
    /** How often it is tried again when it has failed, each time after a longer pause. */
    retries: z.number().int().min(0).max(100).default(0),
  })
  .strict();
export type JobOptions = z.infer<typeof jobOptionsSchema>;

/** The `job` part of a submit. `input` announces the archive, so that it can be refused unsent. */
export const submissionSchema = jobOptionsSchema.safeExtend({ input: fileRefSchema.optional() });
export type Submission = z.infer<typeof submissionSchema>;
/** A submission before the defaults are filled in: what a client writes. */
export type SubmissionInput = z.input<typeof submissionSchema>;

/** A reason why run.sh was refused. */
export const findingSchema = z.object({
  rule: z.string(),
  /** The script, relative to the job's directory. */
  file: z.string(),
  severity: z.enum(["error", "warning", "info"]),
  line: z.number().int().positive().nullable(),
  column: z.number().int().positive().nullable(),
  endColumn: z.number().int().positive().nullable(),
  /** The line of the script. */
  source: z.string().nullable(),
  message: z.string(),
  hint: z.string().nullable(),
});
export type Finding = z.infer<typeof findingSchema>;

export const outcomeSchema = z.object({
  reason: z.enum(OUTCOME_REASONS),
  exitCode: z.number().int().nullable(),
  signal: z.string().nullable(),
  /** Said by the agent where the reason alone does not explain it. */
  message: z.string().nullable(),
});
export type Outcome = z.infer<typeof outcomeSchema>;

export const usageSchema = z.object({
  wallSeconds: z.number().nonnegative(),
  /** User and system time of the whole process tree; null where it cannot be measured. */
  cpuSeconds: z.number().nonnegative().nullable(),
  /** Peak resident memory of the process tree; null where it cannot be measured. */
  maxRssBytes: z.number().int().nonnegative().nullable(),
});
export type Usage = z.infer<typeof usageSchema>;

/** One try at a job. */
export const attemptSummarySchema = z.object({
  number: z.number().int().positive(),
  agent: z.string(),
  createdAt: instantSchema,
  startedAt: instantSchema.nullable(),
  finishedAt: instantSchema.nullable(),
  /**
   * Null while it is the current one. `collected`: it ran, and has an outcome; `refused`: the agent
   * would not take it; `lost`: its agent was lost; `drained`: it was taken from an agent that was to
   * be emptied.
   */
  endedAs: z.enum(["collected", "refused", "lost", "drained"]).nullable(),
  reason: z.enum(OUTCOME_REASONS).nullable(),
  exitCode: z.number().int().nullable(),
});
export type AttemptSummary = z.infer<typeof attemptSummarySchema>;

/** A job, as every interface shows it. */
export const jobSchema = z.object({
  id: z.number().int().positive(),
  name: z.string(),
  tenant: z.string(),
  user: z.string(),
  service: z.string(),
  labels: z.record(z.string(), z.string()),
  status: z.enum(JOB_STATUSES),
  /** Why it waits, or why it ended as it did. */
  reason: z.string().nullable(),
  /** Place in the queue, from 1; null unless queued. */
  position: z.number().int().positive().nullable(),
  outcome: outcomeSchema.nullable(),
  findings: z.array(findingSchema),
  /** Number of the current or last attempt; 0 before the first. */
  attempt: z.number().int().nonnegative(),
  agent: z.string().nullable(),
  priority: z.number().int(),
  submittedAt: instantSchema,
  startedAt: instantSchema.nullable(),
  finishedAt: instantSchema.nullable(),
  /** How long it has been running, or ran; null until it is started. Not a difference of time stamps. */
  runtimeSeconds: z.number().nonnegative().nullable(),
  expiresAt: instantSchema.nullable(),
  cancelRequestedAt: instantSchema.nullable(),
  timeoutSeconds: z.number().int(),
  resources: z.object({
    cpus: z.number().int(),
    memoryBytes: z.number().int().nullable(),
  }),
  usage: usageSchema.nullable(),
  /** Tries that are left when it fails, as it was submitted. */
  retries: z.number().int().nonnegative(),
  /** Every try so far, the first one first. */
  attempts: z.array(attemptSummarySchema),
  input: storedFileSchema,
  result: storedFileSchema.nullable(),
  /** Raised by every change of the job. */
  version: z.number().int(),
});
export type Job = z.infer<typeof jobSchema>;

/**
 * What an event tells of. `agent_refused` and `not_sent` are dispatches that came to nothing, because of
 * the agent or of the server; the job is queued again.
 */
const JOB_EVENT_TYPES = [
  "submitted",
  "status",
  "cancel_requested",
  "agent_refused",
  "not_sent",
] as const;

/** One change of one job. */
export const jobEventSchema = z.object({
  at: instantSchema,
  type: z.enum(JOB_EVENT_TYPES),
  status: z.enum(JOB_STATUSES),
  reason: z.string().nullable(),
  attempt: z.number().int().nonnegative(),
  agent: z.string().nullable(),
  message: z.string().nullable(),
  /** How often it has happened; `at` is the last time. */
  repeats: z.number().int().positive(),
});
export type JobEvent = z.infer<typeof jobEventSchema>;

/** One entry of a result archive. */
export const resultFileSchema = z.object({
  path: z.string(),
  type: z.enum(["file", "directory", "symlink", "hardlink"]),
  sizeBytes: z.number().int().nonnegative(),
  /** Permission bits as an octal string, such as `0755`. */
  mode: z.string(),
  modifiedAt: instantSchema.nullable(),
  linkTarget: z.string().nullable(),
});
export type ResultFile = z.infer<typeof resultFileSchema>;

/** A file of the workspace that is not in the result, and why. */
export const skippedFileSchema = z.object({ path: z.string(), reason: z.string() });
export type SkippedFile = z.infer<typeof skippedFileSchema>;

/** A file whose name is not UTF-8: archives hold it under one that is. */
export const renamedFileSchema = z.object({
  path: z.string(),
  /** The bytes of the last part of its path, in base64. */
  nameBytes: z.string(),
});
export type RenamedFile = z.infer<typeof renamedFileSchema>;

/** Most entries of each list in a report. */
export const MAX_REPORTED_FILES = 1000;

/** `.jobctl/report.json` in every result. */
export const reportSchema = z.object({
  schema: z.literal("jobctl.report/v1"),
  jobId: z.number().int().positive(),
  attempt: z.number().int().positive(),
  service: z.string(),
  agent: z.string(),
  outcome: outcomeSchema,
  usage: usageSchema.nullable(),
  startedAt: instantSchema.nullable(),
  finishedAt: instantSchema,
  /** What was left out, up to `MAX_REPORTED_FILES`. */
  skipped: z.array(skippedFileSchema),
  /** How many were left out, those that are not listed included. */
  skippedTotal: z.number().int().nonnegative(),
  /** Files whose names are not UTF-8, with the name that they have in the result. */
  renamed: z.array(renamedFileSchema),
});
export type Report = z.infer<typeof reportSchema>;

export const attemptStateSchema = z.enum(ATTEMPT_STATES);
