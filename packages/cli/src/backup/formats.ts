import { closeSync, createReadStream, fstatSync, readSync } from "node:fs";

import { openRegularFile } from "@jobctl/archive";
import {
  backupBlobSchema,
  backupManifestSchema,
  backupSessionSchema,
  type BackupManifest,
  type BackupSession,
} from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";

/** A file of a server's data, as a snapshot lists it. */
export interface BlobRef {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Longest line that a server or a list of blobs may have, in bytes. */
const MAX_LINE_BYTES = 64 * 1024;
/** Largest manifest: it names the blobs that were damaged, with the jobs that use them. */
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

/** @throws JobctlError `server_answer_invalid` */
export function parseSession(line: string): BackupSession {
  return parse(backupSessionSchema, line, (problem) => invalidAnswer(`its backup: ${problem}`));
}

/** @throws the system's error when there is none; JobctlError `backup_damaged` */
export function readManifest(path: string): BackupManifest {
  const damaged = (problem: string) =>
    new JobctlError("backup_damaged", `${path} is not a manifest: ${problem}`);
  const descriptor = openRegularFile(path);
  try {
    const { size } = fstatSync(descriptor);
    if (size > MAX_MANIFEST_BYTES) throw damaged(`it has ${size} bytes`);
    const content = Buffer.alloc(size);
    const text = content.subarray(0, readSync(descriptor, content)).toString("utf8");
    return parse(backupManifestSchema, text, damaged);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The lines of a list of blobs.
 *
 * @param invalid makes the error for a line that is none, from what is wrong
 */
export async function* readBlobList(
  path: string,
  invalid: (problem: string) => JobctlError,
): AsyncGenerator<BlobRef> {
  const source = createReadStream("", { fd: openRegularFile(path) });
  for await (const line of linesOf(source, invalid))
    if (line !== "") yield parse(backupBlobSchema, line, invalid);
}

/** The first line of a stream, which is not read any further. @throws JobctlError `server_answer_invalid` */
export async function firstLine(body: AsyncIterable<Buffer>): Promise<string> {
  // Not by a loop, which would close the stream: it holds the connection open.
  const first = await linesOf(body, (problem) => invalidAnswer(`its backup: ${problem}`)).next();
  if (first.done === true)
    throw new JobctlError("server_unreachable", "the server ended the backup before it began");
  return first.value;
}

export function invalidAnswer(problem: string): JobctlError {
  return new JobctlError("server_answer_invalid", `the server cannot be believed: ${problem}`, {
    hint: "Check the address: jobctl config show --origin. If it is right, tell the operator.",
  });
}

async function* linesOf(
  source: AsyncIterable<Buffer>,
  invalid: (problem: string) => JobctlError,
): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      yield Buffer.concat([rest, chunk.subarray(from, end)]).toString("utf8");
      rest = Buffer.alloc(0);
      from = end + 1;
    }
    rest = Buffer.concat([rest, chunk.subarray(from)]);
    if (rest.length > MAX_LINE_BYTES) throw invalid(`a line has more than ${MAX_LINE_BYTES} bytes`);
  }
  if (rest.length > 0) yield rest.toString("utf8");
}

interface Schema<T> {
  safeParse(value: unknown): {
    readonly data?: T | undefined;
    readonly error?:
      | { readonly issues: readonly { readonly path: readonly PropertyKey[]; message: string }[] }
      | undefined;
  };
}

function parse<T>(schema: Schema<T>, text: string, invalid: (problem: string) => JobctlError): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(`${JSON.stringify(text.slice(0, 100))} is not JSON`);
  }
  const { data, error } = schema.safeParse(value);
  if (data !== undefined) return data;
  const [issue] = error?.issues ?? [];
  throw invalid(`${issue?.path.join(".") || "it"}: ${issue?.message ?? "it is not valid"}`);
}
