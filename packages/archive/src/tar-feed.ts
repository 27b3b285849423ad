import { once } from "node:events";

import { JobctlError } from "@jobctl/protocol";
import type { Parser } from "tar";

import { coalesce } from "./coalesce.js";
import { isResourceError } from "./resource-error.js";

/**
 * Writes a plain tar into a parser and waits until the parser is through with it.
 *
 * @param broken asked after every piece; what it returns is thrown
 * @throws JobctlError `archive_invalid` when the bytes are not a complete tar archive; the system's own
 *   error when it cannot store what is in it
 */
export async function feed(
  source: AsyncIterable<Buffer>,
  parser: Parser,
  broken: () => Error | undefined,
): Promise<void> {
  let failure: unknown;
  const failed = new Promise<never>((_resolve, reject) => {
    parser.on("error", (error: unknown) => {
      failure ??= error;
      reject(explain(error));
    });
  });
  failed.catch(() => {});
  const closed = once(parser, "close");
  closed.catch(() => {});
  const stopIfBroken = (): void => {
    const problem = broken();
    if (problem !== undefined) throw problem;
    if (failure !== undefined) throw explain(failure);
  };
  let total = 0;
  try {
    for await (const chunk of coalesce(source)) {
      total += chunk.length;
      const roomLeft = parser.write(chunk);
      stopIfBroken();
      if (!roomLeft) await Promise.race([once(parser, "drain"), failed]);
    }
  } catch (error) {
    throw error instanceof JobctlError || !isZlibError(error) ? error : archiveInvalid(error);
  }
  if (total === 0) throw archiveInvalid(new Error("it is empty"));
  parser.end();
  await Promise.race([closed, failed]);
  stopIfBroken();
}

/** A full disk is nobody's archive's fault. */
function explain(error: unknown): Error {
  return isResourceError(error) && error instanceof Error ? error : archiveInvalid(error);
}

function archiveInvalid(cause: unknown): JobctlError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new JobctlError("archive_invalid", `the archive cannot be read: ${explained(reason)}`, {
    hint: "Send a complete tar or gzipped tar archive, for instance tar -C DIR -czf job.tar.gz .",
    cause,
  });
}

/** The libraries' words, for people. */
function explained(reason: string): string {
  if (reason.includes("Unrecognized archive format")) return "it is not a tar archive";
  if (reason.includes("Truncated input")) return "it is cut short in the middle of an entry";
  if (reason.includes("unexpected end of file")) return "the gzip data is cut short";
  if (reason.includes("checksum failure"))
    return "it is not a tar archive, or damaged: a header checksum is wrong";
  return reason;
}

function isZlibError(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return typeof code === "string" && code.startsWith("Z_");
}
