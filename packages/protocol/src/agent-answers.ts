import { z } from "zod";

import { attemptIdSchema } from "./attempt.js";
import { attemptStateSchema, digestSchema, instantSchema } from "./job.js";
import { OUTCOME_REASONS, type OutcomeReason } from "./lifecycle.js";

/**
 * What the server accepts from an agent. An agent may be broken or hostile, so each value has a bound:
 * ids, numbers and dates outside of it make the message invalid; texts for people are cleaned and cut.
 */

/** Longest line of a watch stream after the snapshot, and longest answer that is not a list. */
export const MAX_ANSWER_BYTES = 256 * 1024;
/** Longest snapshot or list: `MAX_ATTEMPTS` reports of the usual size fit into it. */
export const MAX_SNAPSHOT_BYTES = 8 * 1024 * 1024;
/** Most attempts that an agent may say it holds. */
const MAX_ATTEMPTS = 10_000;
/** Findings of one report, as JSON: several hundred, and several reports fit into one answer. */
export const MAX_FINDINGS_BYTES = 64 * 1024;
export const MAX_FINDINGS = 1000;
/** Longest text for people. */
export const MAX_TEXT = 2000;
/** A pebibyte: larger sizes are no sizes, and sums of them stay exact. */
const MAX_BYTES = 2 ** 50;
/** 30 years. */
const MAX_SECONDS = 1e9;

/** An agent's name: it is shown, stored, and part of log lines and metrics. */
export const AGENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
export const agentNameSchema = z
  .string()
  .regex(AGENT_NAME, "letters, digits and . _ - only, at most 63");

/** Cuts a text, and replaces control characters other than tab and line feed. */
function cleaned(text: string, maxLength: number): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
  return cut.replaceAll(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    "�",
  );
}

/** A text for people. */
const text = (maxLength: number) => z.string().transform((said) => cleaned(said, maxLength));
const bytes = z.number().int().nonnegative().max(MAX_BYTES);
const count = z.number().int().nonnegative().max(1_000_000);
const position = z.number().int().positive().max(1e9).nullable();
/** Names of services and capabilities. */
const names = z.array(text(63)).max(1000);

const saidFindingSchema = z.object({
  rule: text(100),
  file: text(1024),
  severity: z.enum(["error", "warning", "info"]),
  line: position,
  column: position,
  endColumn: position,
  source: text(MAX_TEXT).nullable(),
  message: text(MAX_TEXT),
  hint: text(MAX_TEXT).nullable(),
});

/** What only the server can find out about a job. */
const SERVERS_REASONS = new Set<OutcomeReason>(["agent_lost", "input_damaged", "never_started"]);

const saidOutcomeSchema = z.object({
  reason: z
    .enum(OUTCOME_REASONS)
    .refine((reason) => !SERVERS_REASONS.has(reason), "only the server can say so"),
  exitCode: z
    .number()
    .int()
    .min(-(2 ** 31))
    .max(2 ** 31)
    .nullable(),
  signal: text(20).nullable(),
  message: text(MAX_TEXT).nullable(),
});

const saidUsageSchema = z.object({
  wallSeconds: z.number().nonnegative().max(MAX_SECONDS),
  cpuSeconds: z.number().nonnegative().max(MAX_SECONDS).nullable(),
  maxRssBytes: bytes.nullable(),
});

/** `AttemptReport` as an agent says it. */
export const saidReportSchema = z.object({
  id: attemptIdSchema,
  state: attemptStateSchema,
  startedAt: instantSchema.nullable(),
  finishedAt: instantSchema.nullable(),
  ages: z
    .object({
      startedSeconds: z.number().nonnegative().max(MAX_SECONDS).nullable(),
      finishedSeconds: z.number().nonnegative().max(MAX_SECONDS).nullable(),
    })
    .optional(),
  outcome: saidOutcomeSchema.nullable(),
  findings: z.array(saidFindingSchema).max(MAX_FINDINGS),
  usage: saidUsageSchema.nullable(),
  result: z.object({ sizeBytes: bytes, sha256: digestSchema }).nullable(),
  // A word of a later version is no reason to refuse the report.
  interruption: z.literal("files_lost").optional().catch(undefined),
});

/** `AgentLoad` as an agent says it. */
export const saidLoadSchema = z.object({
  cpuPercent: z.number().min(0).max(100).nullable(),
  load1: z.number().nonnegative().max(1e6),
  memoryUsedBytes: bytes,
  memoryTotalBytes: bytes,
  slotsUsed: count,
  slotsTotal: count,
  draining: z.boolean(),
  sampledAt: instantSchema,
});

/** `AgentSelf` as an agent says it. */
const saidSelfSchema = z.object({
  name: agentNameSchema,
  version: text(63),
  slots: count.min(1),
  cpus: count.min(1),
  memoryBytes: bytes.min(1),
  services: names,
  sandbox: text(63),
  capabilities: names,
});

/**
 * A line of `GET /v1/watch`. Every connection begins with one snapshot, so nothing depends on having
 * seen an earlier line.
 */
export const watchMessageSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("snapshot"),
    agent: saidSelfSchema,
    attempts: z.array(saidReportSchema).max(MAX_ATTEMPTS),
    load: saidLoadSchema,
  }),
  z.object({ type: z.literal("attempt"), attempt: saidReportSchema }),
  z.object({ type: z.literal("load"), load: saidLoadSchema }),
  z.object({ type: z.literal("heartbeat"), at: instantSchema }),
]);
export type WatchMessage = z.infer<typeof watchMessageSchema>;

/** `GET /v1/attempts` of an agent. */
export const attemptListSchema = z.object({ items: z.array(saidReportSchema).max(MAX_ATTEMPTS) });

/** What an agent says when it refuses a call; `details` are the agent's own and are not passed on. */
export const saidRefusalSchema = z.object({
  error: z.object({
    code: z.string().max(63),
    message: text(MAX_TEXT),
    hint: text(MAX_TEXT).nullable(),
  }),
});
