import { z } from "zod";

import { instantSchema } from "./job.js";

/** A job that refers to a stored archive or result. */
export const blobUserSchema = z.object({
  jobId: z.number().int(),
  kind: z.enum(["input", "result"]),
});
export type BlobUser = z.infer<typeof blobUserSchema>;

/** A stored archive or result that is not what it was. */
export const damagedBlobSchema = z.object({
  sha256: z.string(),
  foundAt: instantSchema,
  /** What is wrong, for people. */
  found: z.string(),
  /** The jobs that referred to it when it was found, at most a thousand. */
  jobs: z.array(blobUserSchema),
});
export type DamagedBlob = z.infer<typeof damagedBlobSchema>;

/** The jobs that refer to a blob, at most a thousand. */
export const blobUsersSchema = z.object({
  schema: z.literal("jobctl.blob-users/v1"),
  items: z.array(blobUserSchema),
  nextCursor: z.null(),
});
export type BlobUsers = z.infer<typeof blobUsersSchema>;

export const damageListSchema = z.object({
  schema: z.literal("jobctl.damage/v1"),
  items: z.array(damagedBlobSchema),
  nextCursor: z.null(),
});
export type DamageList = z.infer<typeof damageListSchema>;
