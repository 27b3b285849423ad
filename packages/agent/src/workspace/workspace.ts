import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { walk } from "@jobctl/archive";

/** The files of one attempt. */
export interface AttemptPaths {
  readonly directory: string;
  readonly record: string;
  readonly workspace: string;
  readonly temporary: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly result: string;
}

export function attemptPaths(directory: string): AttemptPaths {
  return {
    directory,
    record: join(directory, "record.json"),
    workspace: join(directory, "workspace"),
    temporary: join(directory, "tmp"),
    stdout: join(directory, "stdout.log"),
    stderr: join(directory, "stderr.log"),
    result: join(directory, "result.tar"),
  };
}

export async function makeAttemptDirectory(paths: AttemptPaths): Promise<void> {
  await mkdir(paths.directory, { recursive: true, mode: 0o700 });
  await mkdir(paths.workspace, { mode: 0o700 });
  await mkdir(paths.temporary, { mode: 0o700 });
}

/** Removes a tree, also one in which a job has taken its own permissions away. */
export async function removeTree(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true });
  } catch (error) {
    if (!isPermissionError(error)) throw error;
    await unlockTree(directory);
    await rm(directory, { recursive: true, force: true });
  }
}

/** Gives the owner back the right to read everything, and to enter every directory. */
export async function unlockTree(directory: string): Promise<void> {
  const unlock = async (path: string): Promise<void> => {
    await chmod(join(directory, path), 0o700);
  };
  for await (const entry of walk(directory, { enter: unlock })) {
    if (entry.type === "file" && (entry.mode & 0o400) === 0) {
      await chmod(join(directory, entry.path), entry.mode | 0o400);
    }
  }
}

export function isPermissionError(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EACCES" || code === "EPERM";
}
