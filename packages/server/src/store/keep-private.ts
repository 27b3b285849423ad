import { chmodSync, statSync } from "node:fs";

const FOR_OTHERS = 0o077;

/**
 * Takes the permissions of others off files of a database that an earlier start has left open to them.
 * Files that are not there, or belong to another user who gave access to this one, stay as they are; so does what is
 * no file at all: a device belongs to everybody.
 */
export function keepPrivate(...paths: readonly string[]): void {
  for (const path of paths) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile() !== true || (found.mode & FOR_OTHERS) === 0) continue;
    if (found.uid === process.getuid?.()) chmodSync(path, 0o600);
  }
}
