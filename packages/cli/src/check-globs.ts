import { JobctlError } from "@jobctl/protocol/error";
import { globsProblem } from "@jobctl/protocol/glob";

/**
 * Refuses globs that the server would refuse, before anything is sent.
 *
 * @param option names it in the message
 * @throws JobctlError `usage`
 */
export function checkGlobs(option: string, globs: readonly string[]): void {
  const problem = globsProblem(globs);
  if (problem === null) return;
  throw new JobctlError("usage", `${option}: ${problem}`, {
    hint: "Patterns know *, ?, [a-z], {a,b}, ** as a whole segment, and \\ before a character.",
  });
}
