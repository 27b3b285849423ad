import { createHash } from "node:crypto";

import { JobctlError, type AttemptSpec } from "@jobctl/protocol";

/**
 * Passes an archive on, and fails at its end when it is not the one that was announced.
 *
 * @throws JobctlError `archive_digest_mismatch`
 */
export async function* verifyArchive(
  archive: AsyncIterable<Buffer>,
  spec: AttemptSpec,
): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  for await (const chunk of archive) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest("hex") === spec.archive.sha256) return;
  throw new JobctlError(
    "archive_digest_mismatch",
    `the archive of attempt ${spec.id} does not have the digest that was announced`,
  );
}
