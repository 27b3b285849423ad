import { z } from "zod";

import { instantSchema } from "./job.js";

export const usageQuerySchema = z
  .object({
    user: z.string().optional(),
    /** Jobs that were submitted before are counted only for what they occupy now. */
    since: z.iso.datetime({ offset: true }).optional(),
  })
  .strict();
export type UsageQuery = z.infer<typeof usageQuerySchema>;

/** What one user's jobs have used, and occupy. */
const userUsageSchema = z.object({
  tenant: z.string(),
  user: z.string(),
  /** Submitted in the time that was asked for. */
  jobs: z.number().int(),
  cpuSeconds: z.number(),
  wallSeconds: z.number(),
  /** At the moment. */
  queued: z.number().int(),
  active: z.number().int(),
  /** Archives of all their jobs; one that several jobs share is counted for each. */
  inputBytes: z.number().int(),
  resultBytes: z.number().int(),
});
export type UserUsage = z.infer<typeof userUsageSchema>;

/** Who uses the server how much, and how long its disk will last. */
export const usageReportSchema = z.object({
  schema: z.literal("jobctl.usage/v1"),
  since: instantSchema.nullable(),
  items: z.array(userUsageSchema),
  nextCursor: z.null(),
  storage: z.object({
    databaseBytes: z.number().int(),
    /** Stored archives and results, each once; null until they have been measured. */
    blobBytes: z.number().int().nullable(),
    blobs: z.number().int().nullable(),
    freeBytes: z.number().int(),
    /** `JOBCTL_MIN_FREE_BYTES`: with less than this nothing is accepted. */
    reserveBytes: z.number().int(),
    /** What the jobs of the last seven days have brought, for each day; null on the first day. */
    bytesPerDay: z.number().int().nullable(),
    /** Until nothing is accepted any more, if it goes on like this; null when nothing comes. */
    daysLeft: z.number().nullable(),
  }),
});
export type UsageReport = z.infer<typeof usageReportSchema>;
