/**
 * Shell commands that close every descriptor above one: what the agent was started with, or has open by
 * mistake, would otherwise be open in each job. They end the shell where that cannot be done.
 *
 * @param last the highest descriptor to keep
 */
function closeDescriptors(last: number): string {
  return [
    "JOBCTL_CLOSED=",
    // The second directory is for systems without /proc.
    `for JOBCTL_FD in /proc/self/fd/* /dev/fd/*; do JOBCTL_FD=\${JOBCTL_FD##*/}; [[ $JOBCTL_FD =~ ^[0-9]+$ ]] || continue; JOBCTL_CLOSED=yes; (( JOBCTL_FD <= ${last} )) || eval "exec $JOBCTL_FD>&-"; done`,
    "[[ -n $JOBCTL_CLOSED ]] || { echo 'no list of open descriptors: is /proc mounted?' >&2; exit 125; }",
    "unset JOBCTL_FD JOBCTL_CLOSED",
  ].join("\n");
}

/**
 * A command that closes every descriptor above `last`, enters control groups and then becomes another.
 *
 * @param entrances files that a process writes its id to, to enter
 */
export function cleanStart(
  last: number,
  entrances: readonly string[],
  command: readonly string[],
): string[] {
  const enter =
    'while [[ $1 != -- ]]; do echo $$ > "$1" || exit 125; shift; done; shift; exec "$@"';
  const script = `${closeDescriptors(last)}\n${enter}`;
  return ["bash", "--norc", "--noprofile", "-c", script, "jobctl", ...entrances, "--", ...command];
}
