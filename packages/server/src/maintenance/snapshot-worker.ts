import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parentPort, workerData } from "node:worker_threads";

import { JobctlError, toJobctlError, type ErrorCode } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { damagedDatabase, isDamage } from "../store/damage.js";
import { translated } from "../store/translated.js";

/** What a thread of its own is asked to do with a database file, so that the server goes on. */
export interface SnapshotTask {
  readonly path: string;
  /** Where the list of the blobs that it refers to goes, one JSON value a line; null for none. */
  readonly blobList: string | null;
}

/** What it found. Counts are of rows. */
export interface SnapshotFacts {
  /** `ok`, or what is wrong. */
  readonly integrity: string;
  readonly foreignKeyProblems: number;
  readonly schemaVersion: number;
  readonly jobs: number;
  readonly attempts: number;
  readonly events: number;
  readonly blobs: { readonly count: number; readonly sizeBytes: number };
  readonly sizeBytes: number;
  readonly sha256: string | null;
}

/** What the thread answers. Errors lose their class on the way between threads, so their parts are sent. */
export type SnapshotAnswer =
  | { readonly kind: "found"; readonly facts: SnapshotFacts }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | null;
    };

interface Reference {
  readonly sha256: string;
  readonly sizeBytes: number;
}

const REFERENCES = `
  SELECT input_sha256 AS sha256, input_size_bytes AS sizeBytes FROM jobs WHERE expired_at IS NULL
  UNION SELECT result_sha256, result_size_bytes FROM jobs
  WHERE expired_at IS NULL AND result_sha256 IS NOT NULL`;

async function inspect({ path, blobList }: SnapshotTask): Promise<SnapshotFacts> {
  const db = new Database(path, { readonly: true });
  try {
    const count = (table: string): number =>
      (db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
    const total = { count: 0, sizeBytes: 0 };
    if (blobList !== null) {
      const rows = db.prepare<[], Reference>(REFERENCES).iterate();
      const lines = function* (): Generator<string> {
        for (const row of rows) {
          total.count += 1;
          total.sizeBytes += row.sizeBytes;
          yield `${JSON.stringify(row)}\n`;
        }
      };
      await pipeline(Readable.from(lines()), createWriteStream(blobList, { mode: 0o600 }));
    }
    return {
      integrity: String(db.pragma("integrity_check(10)", { simple: true })),
      foreignKeyProblems: (db.pragma("foreign_key_check") as unknown[]).length,
      schemaVersion: Number(db.pragma("user_version", { simple: true })),
      jobs: count("jobs"),
      attempts: count("attempts"),
      events: count("job_events"),
      blobs: total,
      sizeBytes: (await stat(path)).size,
      sha256: blobList === null ? null : await digestOf(path),
    };
  } finally {
    db.close();
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function answer(task: SnapshotTask): Promise<SnapshotAnswer> {
  try {
    return { kind: "found", facts: await inspect(task) };
  } catch (thrown) {
    const { code, message, hint } = asJobctlError(task.path, thrown);
    return { kind: "failed", code, message, hint };
  }
}

function asJobctlError(path: string, thrown: unknown): JobctlError {
  if (isDamage(thrown)) return damagedDatabase(path, thrown);
  try {
    translated(() => {
      throw thrown;
    });
  } catch (error) {
    const known = toJobctlError(error);
    if (known.code !== "internal") return known;
  }
  const { code = "", message } = thrown as NodeJS.ErrnoException;
  return new JobctlError("internal", `${path} cannot be read through: ${code} ${message}`);
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(await answer(workerData as SnapshotTask));
