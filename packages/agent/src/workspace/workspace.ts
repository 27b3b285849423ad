import { lstatSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { Directory } from "@jobctl/archive";

/** The files of one attempt. */
export interface AttemptPaths {
  readonly directory: string;
  readonly record: string;
  readonly workspace: string;
  readonly temporary: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly report: string;
  readonly result: string;
}

const WORKSPACE = "workspace";

export function attemptPaths(directory: string): AttemptPaths {
  return {
    directory,
    record: join(directory, "record.json"),
    workspace: join(directory, WORKSPACE),
    temporary: join(directory, "tmp"),
    stdout: join(directory, "stdout.log"),
    stderr: join(directory, "stderr.log"),
    report: join(directory, "report.json"),
    result: join(directory, "result.tar"),
  };
}

/** @throws the system's error; `EEXIST` when there is one already */
export async function makeAttemptDirectory(paths: AttemptPaths): Promise<void> {
  await mkdir(paths.directory, { mode: 0o700 });
}

/** Whether an attempt has lost its directory; of one that cannot be reached at the moment, nobody knows. */
export function directoryState(paths: AttemptPaths): "there" | "gone" | "unknown" {
  try {
    return lstatSync(paths.directory).isDirectory() ? "there" : "gone";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ENOTDIR" ? "gone" : "unknown";
  }
}

/** Makes the directories that a job writes to. */
export async function makeWorkspace(paths: AttemptPaths): Promise<void> {
  await mkdir(paths.workspace, { mode: 0o700 });
  await mkdir(paths.temporary, { mode: 0o700 });
}

/** Opens the workspace of an attempt, also when its job has taken the permissions of it away. */
export function openWorkspace(paths: AttemptPaths): Directory {
  const attempt = Directory.open(paths.directory);
  try {
    const name = Buffer.from(WORKSPACE);
    const { mode } = attempt.stat(name);
    if ((mode & 0o700) !== 0o700) attempt.changeMode(name, mode | 0o700);
    return attempt.openDirectory(name);
  } finally {
    attempt.close();
  }
}
