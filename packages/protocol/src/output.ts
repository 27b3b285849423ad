import { z } from "zod";

import {
  agentAnswerSchema,
  backupListOutputSchema,
  backupOutputSchema,
  breakerListSchema,
  forgottenKeySchema,
  gcReportSchema,
  leaderSchema,
  reconcileReportSchema,
  restoreOutputSchema,
  restoredBlobsOutputSchema,
  vacuumReportSchema,
} from "./admin.js";
import {
  agentListSchema,
  errorAnswerSchema,
  eventListSchema,
  fileListSchema,
  jobAnswerSchema,
  jobListSchema,
  loadListSchema,
  queueSchema,
} from "./api.js";
import { jobSchema } from "./job.js";
import { usageReportSchema } from "./usage.js";

/** `jobctl submit --json`. With `--wait` or `--download` the job is the finished one. */
export const submitOutputSchema = jobSchema.extend({
  schema: z.literal("jobctl.submission/v1"),
  /** False when an earlier submit with the same idempotency key had made the job. */
  created: z.boolean(),
  /** False when the server held the archive already. */
  archiveSent: z.boolean(),
  downloadedTo: z.string().nullable(),
});

/** `jobctl submit --dry-run --json`. */
export const dryRunOutputSchema = z.object({
  schema: z.literal("jobctl.dry-run/v1"),
  items: z.array(
    z.object({
      path: z.string(),
      type: z.enum(["file", "directory", "symlink", "hardlink"]),
      sizeBytes: z.number().int().nonnegative(),
    }),
  ),
  nextCursor: z.null(),
  archive: z.object({ sizeBytes: z.number().int(), sha256: z.string() }),
});

/** `jobctl logs --json`: bytes that are not UTF-8 are shown as U+FFFD. */
export const logOutputSchema = z.object({
  schema: z.literal("jobctl.log/v1"),
  id: z.number().int(),
  attempt: z.number().int(),
  stdout: z.string().nullable(),
  stderr: z.string().nullable(),
});

export const downloadOutputSchema = z.object({
  schema: z.literal("jobctl.download/v1"),
  id: z.number().int(),
  /** Directory or archive that was written. */
  path: z.string(),
  sizeBytes: z.number().int(),
  /** Null for `--partial` and `--path`, which have no digest of their own. */
  sha256: z.string().nullable(),
  partial: z.boolean(),
});

export const cancelOutputSchema = z.object({
  schema: z.literal("jobctl.cancel/v1"),
  items: z.array(
    z.object({
      id: z.number().int(),
      status: jobSchema.shape.status,
      /** False when the job had already ended. */
      requested: z.boolean(),
    }),
  ),
  nextCursor: z.null(),
});

export const configOutputSchema = z.object({
  schema: z.literal("jobctl.config/v1"),
  items: z.array(z.object({ key: z.string(), value: z.string().nullable(), origin: z.string() })),
  nextCursor: z.null(),
});

export const configPathOutputSchema = z.object({
  schema: z.literal("jobctl.config-path/v1"),
  path: z.string(),
});

export const doctorOutputSchema = z.object({
  schema: z.literal("jobctl.doctor/v1"),
  items: z.array(
    z.object({
      check: z.string(),
      status: z.enum(["ok", "warning", "error"]),
      message: z.string(),
      hint: z.string().nullable(),
    }),
  ),
  nextCursor: z.null(),
});

const diagnosticSchema = z.object({
  rule: z.string(),
  severity: z.enum(["error", "warning", "info"]),
  category: z.string(),
  line: z.number().int().positive(),
  column: z.number().int().positive(),
  endLine: z.number().int().positive(),
  endColumn: z.number().int().positive(),
  offset: z.number().int().nonnegative(),
  message: z.string(),
  resolved: z.string(),
  source: z.string(),
  trace: z.array(z.object({ kind: z.string(), name: z.string() })),
  fix: z.string(),
  doc: z.string(),
});

/** `jobctl validate --json`. */
export const validateOutputSchema = z.object({
  schema: z.literal("jobctl.validation/v1"),
  items: z.array(
    z.object({
      file: z.string(),
      verdict: z.enum(["accept", "reject"]),
      profile: z.string(),
      counts: z.object({ error: z.number(), warning: z.number(), info: z.number() }),
      diagnostics: z.array(diagnosticSchema),
    }),
  ),
  nextCursor: z.null(),
});

/** `jobctl validate --list-rules --json`. */
export const rulesOutputSchema = z.object({
  schema: z.literal("jobctl.rules/v1"),
  items: z.array(
    z.object({
      id: z.string(),
      family: z.string(),
      severity: z.enum(["error", "warning", "info"]),
      /** Completes "it ...". */
      why: z.string(),
      fix: z.string(),
      commands: z.array(z.string()),
    }),
  ),
  nextCursor: z.null(),
});

/** `jobctl up --json`: printed once everything is ready. */
export const upOutputSchema = z.object({
  schema: z.literal("jobctl.up/v1"),
  server: z.string(),
  dataDir: z.string(),
  tokenFile: z.string(),
  agents: z.array(z.string()),
});

export const completionOutputSchema = z.object({
  schema: z.literal("jobctl.completion/v1"),
  shell: z.enum(["bash", "zsh", "fish"]),
  script: z.string(),
});

/** Everything that the command line prints with `--json`, told apart by `schema`. */
export const outputSchema = z.discriminatedUnion("schema", [
  submitOutputSchema,
  dryRunOutputSchema,
  jobListSchema,
  jobAnswerSchema,
  logOutputSchema,
  downloadOutputSchema,
  cancelOutputSchema,
  queueSchema,
  eventListSchema,
  fileListSchema,
  agentListSchema,
  agentAnswerSchema,
  forgottenKeySchema,
  breakerListSchema,
  leaderSchema,
  gcReportSchema,
  reconcileReportSchema,
  backupOutputSchema,
  backupListOutputSchema,
  restoreOutputSchema,
  restoredBlobsOutputSchema,
  vacuumReportSchema,
  loadListSchema,
  usageReportSchema,
  configOutputSchema,
  configPathOutputSchema,
  doctorOutputSchema,
  upOutputSchema,
  validateOutputSchema,
  rulesOutputSchema,
  completionOutputSchema,
  errorAnswerSchema,
]);
export type Output = z.infer<typeof outputSchema>;
