import { JobctlError } from "@jobctl/protocol";

/** The error for bytes that are not a complete tar archive. */
export function archiveInvalid(problem: string, cause?: unknown): JobctlError {
  return new JobctlError("archive_invalid", `the archive cannot be read: ${problem}`, {
    hint: "Send a complete tar or gzipped tar archive, for instance tar -C DIR -czf job.tar.gz .",
    cause,
  });
}
