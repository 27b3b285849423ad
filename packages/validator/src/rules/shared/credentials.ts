import { HOME, isKnown } from "../../characters.js";
import { PATTERN_TARGETS, SYSTEM_CREDENTIALS, USER_CREDENTIALS } from "../data/credentials.js";
import { globMatches } from "./glob-match.js";

/** Longer ones are not names of credentials. */
const MAX_PATH = 4096;

/**
 * Whether a file belongs to a user of the machine, or to the machine, and not to a job.
 *
 * @param path normalized
 */
export function isCredential(path: string): boolean {
  const normal = atHome(path).slice(0, MAX_PATH);
  // Most paths have nothing of any of them.
  if (!/(^|\/)\.|^\/(etc|run|var)\/|_netrc$|wallet/.test(normal)) return false;
  // What new accounts are given is nobody's yet.
  if (normal.startsWith("/etc/skel/")) return false;
  return (
    SYSTEM_CREDENTIALS.some((pattern) => pattern.test(normal)) ||
    USER_CREDENTIALS.some((pattern) => pattern.test(normal))
  );
}

/** Whether a pattern of the shell matches such a file. */
export function matchesCredential(path: string): boolean {
  if (!/[*?[{(]/.test(path)) return false;
  // No honest pattern is as long as that.
  if (path.length > MAX_PATH) return /^[/~]/.test(path);
  if (!/[a-z]/.test(path)) return false;
  const pattern = atHome(path);
  return isKnown(pattern) && PATTERN_TARGETS.some((file) => globMatches(pattern, file));
}

function atHome(path: string): string {
  return path.replace(HOME, "/home/me").replace(/^~(?=\w+\/)/, "/home/");
}
