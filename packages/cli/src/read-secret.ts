import { readFile } from "node:fs/promises";

import { JobctlError } from "@jobctl/protocol/error";

/**
 * The first line of a file, or of stdin for `-`: a secret is never an argument, which others can see.
 *
 * @throws JobctlError `usage` when there is none, `file_not_found`, or the file system's error
 */
export async function readSecret(file: string): Promise<string> {
  const text = file === "-" ? await readStdin() : await readText(file);
  const secret = text.split("\n", 1)[0]?.trim() ?? "";
  if (secret !== "") return secret;
  throw new JobctlError("usage", `there is no secret in ${file === "-" ? "stdin" : file}`, {
    hint: "Its first line is the secret: 16 characters or more, at random.",
  });
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new JobctlError("file_not_found", `there is no file ${file}`, { cause: error });
  }
}
