import { JobctlError } from "@jobctl/protocol";

/** What the kernel says when a device or a remote volume does not answer: another time it may. */
const DEVICE_CODES: ReadonlySet<string> = new Set(["EIO", "ESTALE", "ENXIO"]);

/** What the kernel says of one file or directory that cannot be read, while others can. */
const ENTRY_CODES: ReadonlySet<string> = new Set(["EACCES", "EISDIR", "ENOTDIR", "EPERM", "ELOOP"]);

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "";

/** What the kernel says of a file that belongs to somebody else. */
const PERMISSION_CODES: ReadonlySet<string> = new Set(["EACCES", "EPERM"]);

/** What lies in the place of a stored file instead of it, for people; null for any other error. */
export function misplacedReason(error: unknown): string | null {
  if (error instanceof NotRegularError) return error.message;
  const code = codeOf(error);
  return code === "ENOTDIR" || code === "ELOOP" ? "its directory is not a directory" : null;
}

/** A directory, a device or the like has taken the place of a file. */
export class NotRegularError extends Error {
  constructor() {
    super("it is not a regular file");
  }
}

/** What is wrong with a file that is there and cannot be read, for people; null when that is not known. */
export function unreadableReason(error: unknown): string | null {
  const code = codeOf(error);
  if (code === "EIO") return "it cannot be read (EIO)";
  return PERMISSION_CODES.has(code) ? "it cannot be read: permission denied" : null;
}

/** The error for a stored file that the machine does not give; any other error as it is. */
export function fromDevice(sha256: string, error: unknown): unknown {
  const code = codeOf(error);
  if (PERMISSION_CODES.has(code)) {
    return new JobctlError(
      "file_system",
      `the stored file ${sha256} cannot be read: permission denied`,
      {
        hint: "Nothing is known to be wrong with its content. On the server's machine, give it to the server's user (chown).",
        details: { sha256, code },
        cause: error,
      },
    );
  }
  if (!DEVICE_CODES.has(code)) return error;
  return new JobctlError("file_system", `the stored file ${sha256} cannot be read (${code})`, {
    hint: "Nothing is known to be wrong with the file itself. Look at the disk and at the system's log, and try again.",
    details: { sha256, code },
    cause: error,
  });
}

/** Whether reading failed for one entry only, so that there is sense in going on with the next. */
export function isUnreadableEntry(error: unknown): boolean {
  return (
    codeOf(error) === "file_system" ||
    DEVICE_CODES.has(codeOf(error)) ||
    ENTRY_CODES.has(codeOf(error))
  );
}
