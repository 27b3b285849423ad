import { HOME, isKnown } from "../../characters.js";
import { PATTERN_TARGETS, SYSTEM_CREDENTIALS, USER_CREDENTIALS } from "../data/credentials.js";
import { globMatcher } from "./glob-match.js";

/**
 * Whether a file belongs to a user of the machine, or to the machine, and not to a job.
 *
 * @param path normalized
 */
export function isCredential(path: string): boolean {
  const normal = atHome(path);
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
  if (!/[a-z]/.test(path)) return false;
  const pattern = atHome(path);
  return isKnown(pattern) && PATTERN_TARGETS.some(globMatcher(pattern));
}

function atHome(path: string): string {
  return path.replace(HOME, "/home/me").replace(/^~(?=\w+\/)/, "/home/");
}
