/** What a machine says that has no space, or nothing else that is needed to store a file. */
const CODES: ReadonlySet<unknown> = new Set([
  ...["ENOSPC", "EDQUOT", "EIO", "EROFS"],
  ...["EMFILE", "ENFILE", "ENOMEM"],
]);

/** Whether storing has failed because of the machine, and not because of what was to be stored. */
export function isStorageError(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return CODES.has(code) || isStorageError(cause);
}
