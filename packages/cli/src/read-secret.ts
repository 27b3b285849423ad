import { accessSync, constants } from "node:fs";

import { JobctlError } from "@jobctl/protocol/error";
import { MIN_ENROLMENT_SECRET } from "@jobctl/protocol/min-enrolment-secret";

import { readSmallFile } from "./read-small-file.js";

/** Upper bound on what is read: far more than a secret has. */
const MAX_BYTES = 64 * 1024;

/**
 * The first line of a file, or of stdin for `-`: a secret is never an argument, which others can see.
 * Waits for stdin, but for no FIFO.
 *
 * @throws JobctlError `usage` when there is none, it is too short, or the file is too large or no file; `file_not_found`;
 *   the file system's error
 */
export async function readSecret(file: string): Promise<string> {
  const text = file === "-" ? await readStdin() : readText(file);
  const secret = text.split("\n", 1)[0]?.trim() ?? "";
  const place = file === "-" ? "stdin" : file;
  if (secret === "") throw unusable(`there is no secret in ${place}`);
  if (secret.length >= MIN_ENROLMENT_SECRET) return secret;
  throw new JobctlError(
    "usage",
    `the secret in ${place} has ${secret.length} characters; at least ${MIN_ENROLMENT_SECRET} are needed`,
    { hint: "head -c 32 /dev/urandom | base64 > FILE" },
  );
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BYTES)
      throw unusable(`stdin cannot be used: it has more than ${MAX_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function readText(file: string): string {
  // A device, and still a usual way to write "nothing".
  if (file === "/dev/null") return "";
  const found = readSmallFile(file, MAX_BYTES);
  if (found.kind === "text") return found.text;
  if (found.kind === "unusable") throw unusable(`${file} cannot be used: ${found.problem}`);
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new JobctlError("file_not_found", `there is no file ${file}`, { cause: error });
  }
  throw unusable(`${file} is a directory`);
}

function unusable(problem: string): JobctlError {
  return new JobctlError("usage", problem, {
    hint: `The secret is the first line of a file, or of stdin with -: ${MIN_ENROLMENT_SECRET} characters or more, at random.`,
  });
}
