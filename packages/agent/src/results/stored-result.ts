import { lstat } from "node:fs/promises";

import { JobctlError } from "@jobctl/protocol";

export interface ResultProblem {
  /** Code `file_system`. */
  readonly error: JobctlError;
  /** Whether the result is certainly not what it was; otherwise it cannot be looked at. */
  readonly isDamaged: boolean;
}

/**
 * What is wrong with a packed result, as far as its size shows.
 *
 * @returns null when nothing is
 */
export async function findResultProblem(
  path: string,
  sizeBytes: number,
): Promise<ResultProblem | null> {
  try {
    const found = await lstat(path);
    if (!found.isFile()) return damaged("is not a file");
    if (found.size === sizeBytes) return null;
    return damaged(`has ${found.size} of ${sizeBytes} bytes`);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return damaged("is gone");
    const error = new JobctlError("file_system", `its result cannot be read: ${code}`, { cause });
    return { error, isDamaged: false };
  }
}

function damaged(how: string): ResultProblem {
  return { error: new JobctlError("file_system", `its result ${how}`), isDamaged: true };
}
