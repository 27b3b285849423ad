import { accessSync, constants } from "node:fs";

import { JobctlError } from "@jobctl/protocol/error";

import { readSmallFile } from "./read-small-file.js";

/** Upper bound on what is read: far more than a secret has. */
const MAX_BYTES = 64 * 1024;

/**
 * The first line of a file, or of stdin for `-`: a secret is never an argument, which others can see.
 * Waits for stdin, but for no FIFO.
 *
 * @throws JobctlError `usage` when there is none, or the file is too large or no file; `file_not_found`;
 *   the file system's error
 */
export async function readSecret(file: string): Promise<string> {
  const text = file === "-" ? await readStdin() : readText(file);
  const secret = text.split("\n", 1)[0]?.trim() ?? "";
  if (secret !== "") return secret;
  throw unusable(`there is no secret in ${file === "-" ? "stdin" : file}`);
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
    hint: "The secret is the first line of a file, or of stdin with -: 16 characters or more, at random.",
  });
}
