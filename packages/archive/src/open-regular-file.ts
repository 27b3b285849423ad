import { closeSync, constants, fstatSync, openSync } from "node:fs";

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/**
 * Opens a regular file for reading; the caller closes the descriptor. Never waits, whatever has taken
 * the place of the file.
 *
 * @throws the system's error; `ELOOP` for a link, `EINVAL` for anything else that is not a regular file
 */
export function openRegularFile(path: string | Buffer): number {
  const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw Object.assign(new Error("it is not a regular file"), { code: "EINVAL" });
}
