import { z } from "zod";

import { agentSchema, breakerSchema } from "./agent.js";
import { blobUserSchema, damagedBlobSchema } from "./damage.js";
import { digestSchema, instantSchema } from "./job.js";
import { MIN_ENROLMENT_SECRET } from "./min-enrolment-secret.js";

/** Which server is active on a data directory. All null before there has been one. */
export const leaderSchema = z.object({
  schema: z.literal("jobctl.leader/v1"),
  /** What the server that answers is. */
  role: z.enum(["active", "standby"]),
  /** `host:pid` */
  holder: z.string().nullable(),
  /** Raised at every take-over. */
  epoch: z.number().int().positive().nullable(),
  since: instantSchema.nullable(),
});
export type Leader = z.infer<typeof leaderSchema>;

export const breakerListSchema = z.object({
  schema: z.literal("jobctl.breakers/v1"),
  items: z.array(breakerSchema),
  nextCursor: z.null(),
});

export const drainRequestSchema = z
  .object({
    /** After this time what still runs is stopped and queued again; without it that is left alone. */
    deadlineSeconds: z.number().int().nonnegative().nullable().default(null),
  })
  .strict();

export const addAgentRequestSchema = z
  .object({
    /** Where the agent listens, such as `http://agent:9000`. */
    url: z.string().transform((text, context) => {
      const url = URL.canParse(text) ? new URL(text) : null;
      if (url?.protocol !== "http:" && url?.protocol !== "https:")
        context.addIssue("must be an http URL, like http://agent:9000");
      else if (url.href !== `${url.origin}/`)
        context.addIssue("must end with the port: agents have no path");
      return url?.origin ?? "";
    }),
    /**
     * What the agent has to prove at its first contact, instead of the secret that all agents share.
     * `generate` has the server make one, and does not wait for the agent to answer.
     */
    enrolment: z
      .union([
        z.object({ generate: z.literal(true) }).strict(),
        z.object({ secret: z.string().min(MIN_ENROLMENT_SECRET).max(1024) }).strict(),
      ])
      .optional(),
  })
  .strict();

export type AddAgentRequest = z.infer<typeof addAgentRequestSchema>;

export const agentAnswerSchema = agentSchema.extend({
  schema: z.literal("jobctl.agent/v1"),
  /** The one-time secret that the server has made, shown this once. */
  enrolment: z.object({ secret: z.string(), expiresAt: instantSchema }).optional(),
});
export type AgentAnswer = z.infer<typeof agentAnswerSchema>;

/** `jobctl agents forget-key`: the name can be enrolled again, with any key. */
export const forgottenKeySchema = z.object({
  schema: z.literal("jobctl.agent-key/v1"),
  name: z.string(),
  forgotten: z.literal(true),
});

/** What lies in the data directory and belongs to no job, and what jobs miss there. */
export const gcReportSchema = z.object({
  schema: z.literal("jobctl.gc/v1"),
  dryRun: z.boolean(),
  /** Blobs that no job refers to, and that were removed, or would be. */
  blobs: z.object({ count: z.number().int(), sizeBytes: z.number().int() }),
  /** What was being written and is not any more. */
  temporaryFiles: z.object({ count: z.number().int(), sizeBytes: z.number().int() }),
  /** Blobs and temporary files that stay until the backup has ended that is under way. */
  keptForBackup: z.object({ count: z.number().int(), sizeBytes: z.number().int() }),
  /** Jobs whose archive or result is not there although it should be. */
  missing: z.array(
    z.object({ jobId: z.number().int(), kind: z.enum(["input", "result"]), sha256: z.string() }),
  ),
  /** Blobs that were read through; null when none were. */
  verified: z.object({ count: z.number().int(), sizeBytes: z.number().int() }).nullable(),
  /** Blobs that are known not to be what they were, and are still there. */
  damaged: z.array(damagedBlobSchema),
});
export type GcReport = z.infer<typeof gcReportSchema>;

/** What a comparison of the server's jobs with the agents' attempts does, or would do. */
export const reconcileReportSchema = z.object({
  schema: z.literal("jobctl.reconcile/v1"),
  dryRun: z.boolean(),
  items: z.array(
    z.object({
      agent: z.string(),
      attemptId: z.string(),
      /** `stale`: only the agent knows it. `missing`: only the server does. `ok`: both do. */
      finding: z.enum(["ok", "stale", "missing", "agent_unreachable"]),
      action: z.string(),
    }),
  ),
  nextCursor: z.null(),
});
export type ReconcileReport = z.infer<typeof reconcileReportSchema>;

const fileRefSchema = z.object({ sizeBytes: z.number().int().nonnegative(), sha256: digestSchema });

/** A snapshot of a server's database that is waiting to be copied. */
export const backupSessionSchema = z.object({
  schema: z.literal("jobctl.backup-session/v1"),
  id: z.uuid(),
  /** Of the server that was backed up; null before its first start with ids. */
  installation: z.uuid().nullable(),
  createdAt: instantSchema,
  version: z.string(),
  schemaVersion: z.number().int(),
  database: fileRefSchema,
  counts: z.object({
    jobs: z.number().int(),
    attempts: z.number().int(),
    events: z.number().int(),
  }),
  blobs: z.object({ count: z.number().int(), sizeBytes: z.number().int() }),
});
export type BackupSession = z.infer<typeof backupSessionSchema>;

/** A line of the list of a snapshot's blobs, `blobs.ndjson`. */
export const backupBlobSchema = fileRefSchema;

/** `manifest.json` of a snapshot: what is in it, and what it refers to. */
export const backupManifestSchema = backupSessionSchema.omit({ schema: true, id: true }).extend({
  schema: z.literal("jobctl.backup/v1"),
  name: z.string(),
  /** The list of blobs, `blobs.ndjson`. */
  blobList: fileRefSchema,
  /** Blobs of the list that the server could not give, and that are not in the directory either. */
  damaged: z
    .array(fileRefSchema.extend({ found: z.string(), jobs: z.array(blobUserSchema) }))
    .optional(),
});
export type BackupManifest = z.infer<typeof backupManifestSchema>;

/** `jobctl backup --json` */
export const backupOutputSchema = z.object({
  schema: z.literal("jobctl.backup-result/v1"),
  snapshot: z.string(),
  path: z.string(),
  manifest: backupManifestSchema,
  /** What was not in the backup before. */
  copied: z.object({ blobs: z.number().int(), sizeBytes: z.number().int() }),
  removedSnapshots: z.array(z.string()),
});

/** `jobctl backup list --json`, and `verify`, which also fills in `problems`. */
export const backupListOutputSchema = z.object({
  schema: z.literal("jobctl.backups/v1"),
  items: z.array(
    z.object({
      name: z.string(),
      createdAt: instantSchema.nullable(),
      latest: z.boolean(),
      sizeBytes: z.number().int(),
      jobs: z.number().int(),
      problems: z.array(z.string()),
    }),
  ),
  nextCursor: z.null(),
});

/** `jobctl restore --json` */
export const restoreOutputSchema = z.object({
  schema: z.literal("jobctl.restore/v1"),
  snapshot: z.string(),
  path: z.string(),
  dryRun: z.boolean(),
  /** Where the data lie that were there before; null when there were none. */
  setAside: z.string().nullable(),
  /** Who the restored server is; null in a dry run. */
  installation: z.uuid().nullable(),
  /** Whether it is the same installation as before, and takes the agents over. */
  takeOver: z.boolean(),
  /** The next job gets this id, or a higher one; null in a dry run. */
  nextJobId: z.number().int().nullable(),
  blobs: z.number().int(),
  sizeBytes: z.number().int(),
  /** Blobs that were damaged when the backup was taken, and that no later one brought. */
  missing: z.array(z.object({ sha256: z.string(), jobs: z.array(blobUserSchema) })),
  /**
   * Blobs that have been damaged in the backup since, and were left out. Their jobs are not looked up in a
   * dry run, nor where there are more than 500.
   */
  damaged: z
    .array(z.object({ sha256: z.string(), found: z.string(), jobs: z.array(blobUserSchema) }))
    .optional(),
});

/** `jobctl restore --blob --json` */
export const restoredBlobsOutputSchema = z.object({
  schema: z.literal("jobctl.restored-blobs/v1"),
  path: z.string(),
  dryRun: z.boolean(),
  items: z.array(z.object({ sha256: z.string(), sizeBytes: z.number().int() })),
  nextCursor: z.null(),
});

export const vacuumReportSchema = z.object({
  schema: z.literal("jobctl.vacuum/v1"),
  dryRun: z.boolean(),
  /** The integrity and the foreign keys are right. */
  checked: z.boolean(),
  jobsRemoved: z.number().int(),
  bytesBefore: z.number().int(),
  bytesAfter: z.number().int(),
});
export type VacuumReport = z.infer<typeof vacuumReportSchema>;
