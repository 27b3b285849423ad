import { once } from "node:events";
import { PassThrough } from "node:stream";

import { inspectArchive, type ArchiveLimits, type ArchiveSummary } from "@jobctl/archive";
import { JobctlError } from "@jobctl/protocol";

import type { BlobStore, StagedBlob } from "./blob-store.js";

export interface IntakeLimits extends ArchiveLimits {
  readonly maxUploadBytes: number;
}

/** What the client said about the archive before it sent it. */
export interface Announced {
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface StagedArchive {
  readonly blob: StagedBlob;
  readonly summary: ArchiveSummary;
}

/**
 * Writes an uploaded archive to disk while it is being inspected, and stops at the first byte or
 * entry that is not acceptable. When it throws, nothing is left of the upload.
 *
 * @throws JobctlError with what is wrong with the archive, or `storage_full`
 */
export async function takeInArchive(
  blobs: BlobStore,
  source: AsyncIterable<Buffer>,
  limits: IntakeLimits,
  announced: Announced | undefined,
): Promise<StagedArchive> {
  const inspector = new Inspector(limits);
  try {
    const blob = await blobs.stage(source, {
      observe: (chunk) => inspector.write(chunk),
      maxBytes: limits.maxUploadBytes,
      tooLarge: (receivedBytes) =>
        archiveTooLarge(`at least ${receivedBytes}`, receivedBytes, limits.maxUploadBytes),
    });
    try {
      const summary = await inspector.end();
      checkAnnounced(blob, announced);
      return { blob, summary };
    } catch (error) {
      await blob.discard();
      throw error;
    }
  } finally {
    inspector.abandon();
  }
}

/** @throws JobctlError `archive_too_large`, before anything has been sent */
export function checkAnnouncedSize(announced: Announced | undefined, maxUploadBytes: number): void {
  if (announced !== undefined && announced.sizeBytes > maxUploadBytes) {
    throw archiveTooLarge(`${announced.sizeBytes}`, announced.sizeBytes, maxUploadBytes);
  }
}

function archiveTooLarge(size: string, sizeBytes: number, limitBytes: number): JobctlError {
  return new JobctlError(
    "archive_too_large",
    `the archive has ${size} bytes, the limit is ${limitBytes} bytes`,
    {
      hint: "Leave out what the job does not read (.jobctlignore), or ask the operator to raise JOBCTL_MAX_UPLOAD_BYTES.",
      details: { sizeBytes, limitBytes },
    },
  );
}

function checkAnnounced(blob: StagedBlob, announced: Announced | undefined): void {
  if (announced === undefined) return;
  if (announced.sha256 === blob.sha256 && announced.sizeBytes === blob.sizeBytes) return;
  throw new JobctlError(
    "archive_digest_mismatch",
    `${blob.sizeBytes} bytes with SHA-256 ${blob.sha256} arrived, ${announced.sizeBytes} bytes with ${announced.sha256} were announced`,
    {
      hint: "The files changed while they were being sent, or the transfer was damaged. Submit again.",
    },
  );
}

/**
 * Feeds an archive to the inspection piece by piece, at the speed of the slower of the two. What follows
 * the archive's end mark is stored and hashed with the rest of the upload, but not inspected.
 */
class Inspector {
  readonly #stream = new PassThrough();
  readonly #inspection: Promise<ArchiveSummary>;

  constructor(limits: ArchiveLimits) {
    this.#inspection = inspectArchive(this.#stream as AsyncIterable<Buffer>, limits);
    this.#stream.on("error", () => {});
    const close = (): unknown => this.#stream.destroy();
    this.#inspection.then(close, close);
  }

  /** @throws JobctlError when the inspection has failed */
  async write(chunk: Buffer): Promise<void> {
    if (!this.#stream.destroyed && !this.#stream.write(chunk)) await this.#untilReadOrClosed();
    // It is closed when the inspection is done, with or without a finding.
    if (this.#stream.destroyed) await this.#inspection;
  }

  end(): Promise<ArchiveSummary> {
    this.#stream.end();
    return this.#inspection;
  }

  /** Stops the inspection, wherever it is. */
  abandon(): void {
    this.#stream.destroy();
  }

  async #untilReadOrClosed(): Promise<void> {
    const done = new AbortController();
    const { signal } = done;
    await Promise.race([
      once(this.#stream, "drain", { signal }),
      once(this.#stream, "close", { signal }),
    ]).catch(() => {});
    done.abort();
  }
}
