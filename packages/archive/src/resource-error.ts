/** What a machine says that has no space left, no file descriptor, no memory, or no process. */
const CODES: ReadonlySet<unknown> = new Set([
  ...["ENOSPC", "EDQUOT", "EIO", "EROFS"],
  ...["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"],
]);

/** What a file system says that is not as it should be: the folder or its volume has gone, or may not be used. */
const FILE_SYSTEM_CODES: ReadonlySet<unknown> = new Set([
  ...["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ESTALE", "ENODEV"],
]);

/** Whether something has failed because of the machine, and not because of what was asked of it. */
export function isResourceError(error: unknown): boolean {
  return hasCode(error, (code) => CODES.has(code));
}

/**
 * The same, with folders that are gone or closed. To be asked only where all that is touched has just been made
 * there: otherwise such errors are about what was asked for.
 */
export function isStorageError(error: unknown): boolean {
  return hasCode(error, (code) => CODES.has(code) || FILE_SYSTEM_CODES.has(code));
}

/** Causes of causes that are looked at. */
const MAX_DEPTH = 10;

function hasCode(error: unknown, fits: (code: unknown) => boolean): boolean {
  let next = error;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    if (typeof next !== "object" || next === null) return false;
    const { code, cause } = next as { code?: unknown; cause?: unknown };
    if (fits(code)) return true;
    next = cause;
  }
  return false;
}
