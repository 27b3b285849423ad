import { readFile } from "node:fs/promises";

import { replaceFile } from "@jobctl/daemon";
import { attemptReportSchema, attemptSpecSchema } from "@jobctl/protocol";
import { z } from "zod";

import { NOT_STARTED, attemptMomentsSchema } from "./attempt-moments.js";

/**
 * What an agent knows of an attempt after a crash. It is replaced, durably, before a process is
 * started and before an outcome is reported.
 */
const attemptRecordSchema = z.object({
  spec: attemptSpecSchema,
  report: attemptReportSchema,
  /** Absent in records of older versions. */
  moments: attemptMomentsSchema.default(NOT_STARTED),
});
export type AttemptRecord = z.infer<typeof attemptRecordSchema>;

export async function writeRecord(path: string, record: AttemptRecord): Promise<void> {
  await replaceFile(path, JSON.stringify(record));
}

/** Null when there is none, or it is not one that this version wrote. */
export async function readRecord(path: string): Promise<AttemptRecord | null> {
  try {
    return attemptRecordSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return null;
  }
}
