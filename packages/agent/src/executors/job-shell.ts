import { limitCommands, type JobLimits, type LimitScope } from "./limits.js";

/** The environment of a job: what jobctl sets, and what the job asked for. */
export interface JobEnvironment {
  /** Harmless to any program: this much is set from the start. */
  readonly own: Readonly<Record<string, string>>;
  /** Takes precedence, and arrives only when the limits are in force. */
  readonly given: Readonly<Record<string, string>>;
}

/**
 * A command that becomes a job: it sets limits, reads the job's variables from a pipe and becomes
 * run.sh. To be started with the job's own environment only: bash and the dynamic linker act on
 * variables such as BASH_ENV and LD_PRELOAD before any limit could be set.
 *
 * The pipe is also what lets it begin: the command ends without having run anything when the pipe ends
 * before `encodeVariables()` has been written to it, as it does when the agent is killed. It answers with a
 * byte right before it becomes run.sh.
 *
 * @param pipe number of the descriptor, of a socket, from which the variables are read
 */
export function jobShell(limits: JobLimits, scope: LimitScope, pipe: number): string[] {
  return ["bash", "--norc", "--noprofile", "-c", jobScript(limits, scope, pipe), "jobctl"];
}

/** The script of `jobShell()`. Its variables start with JOBCTL_, which jobs may not set. */
function jobScript(limits: JobLimits, scope: LimitScope, pipe: number): string {
  return [
    "umask 0022",
    ...limitCommands(limits, scope),
    "JOBCTL_BEGIN= JOBCTL_VARIABLES=()",
    `while read -r -d '' -u ${pipe}; do [[ -n $REPLY ]] || { JOBCTL_BEGIN=yes; break; }; JOBCTL_VARIABLES+=("$REPLY"); done`,
    "[[ -n $JOBCTL_BEGIN ]] || exit 125",
    `printf . >&${pipe} || exit 125`,
    `exec ${pipe}<&-`,
    // Never through the script's first line: what bash is checked for is what bash has to run.
    'set -- "$BASH" --norc --noprofile run.sh',
    '(( ${#JOBCTL_VARIABLES[@]} == 0 )) || export -- "${JOBCTL_VARIABLES[@]}" || exit 125',
    'exec "$@"',
  ].join("\n");
}

/** Variables as `jobShell()` reads them: each ends in NUL, and an empty one ends them all. */
export function encodeVariables(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\0`);
  return [...lines, "\0"].join("");
}
