import { JobctlError } from "@jobctl/protocol/error";

const FREE_SPACE = "Free some, or choose another directory, and run the command again.";
const CHECK_OWNER = "Check who owns it, and its permissions.";

/** What the system says, and what to do about it. */
const EXPLANATIONS: Readonly<Record<string, readonly [problem: string, hint: string]>> = {
  ENOSPC: ["there is no space left", FREE_SPACE],
  EDQUOT: ["your quota is used up", FREE_SPACE],
  EROFS: ["its file system is read-only", "Choose another directory."],
  EACCES: ["permission is denied", CHECK_OWNER],
  EPERM: ["permission is denied", CHECK_OWNER],
  EISDIR: ["it is a directory", "Name a file."],
  ENOTDIR: ["a part of the path is not a directory", "Choose another path."],
  ENAMETOOLONG: ["the name is too long", "Choose a shorter one."],
  EBUSY: ["it is in use", "Choose another path."],
  EMFILE: ["too many files are open", "Raise the limit: ulimit -n 4096."],
  EIO: ["the disk does not work as it should", "Look at the system's log: dmesg."],
};

/** The same error, with the path that the user knows it by. */
export function named(thrown: unknown, path: string): unknown {
  if (thrown instanceof Error && "syscall" in thrown) (thrown as NodeJS.ErrnoException).path = path;
  return thrown;
}

/** An error of the file system in words for people; others are returned as they are. */
export function explainSystemError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof JobctlError) return thrown;
  const { code = "", path } = thrown as NodeJS.ErrnoException;
  const explanation = EXPLANATIONS[code];
  if (explanation === undefined) return thrown;
  const [problem, hint] = explanation;
  const message = path === undefined ? problem : `${path}: ${problem}`;
  return new JobctlError("file_system", message, { hint, details: { code }, cause: thrown });
}
