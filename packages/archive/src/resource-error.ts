/** What a machine says that has no space left, no file descriptor, no memory, or no process. */
const CODES: ReadonlySet<unknown> = new Set([
  ...["ENOSPC", "EDQUOT", "EIO", "EROFS"],
  ...["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"],
]);

/** Whether something has failed because of the machine, and not because of what was asked of it. */
export function isResourceError(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return CODES.has(code) || isResourceError(cause);
}
