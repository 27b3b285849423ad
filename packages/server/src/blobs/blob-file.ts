import { constants, statSync } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";

import { NotRegularError, misplacedReason } from "./unreadable.js";

const { O_NONBLOCK, O_RDONLY } = constants;

/**
 * Opens a blob's file for reading. Never waits, whatever has taken the place of the file. A link to a file
 * is as good as the file.
 *
 * @throws NotRegularError, or the file system's error
 */
export async function openBlobFile(path: string): Promise<FileHandle> {
  if (!(await stat(path)).isFile()) throw new NotRegularError();
  const file = await open(path, O_RDONLY | O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new NotRegularError();
}

/** Whether something else than a file lies where a blob should be. */
export function isMisplaced(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === false;
  } catch (error) {
    return misplacedReason(error) !== null;
  }
}

/** Changes with the file's content, as far as the file system notices, and with the file itself. */
export async function fileState(path: string): Promise<string> {
  const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true });
  return `${size} ${mtimeNs} ${ctimeNs} ${ino}`;
}
