/** What one job may use. Each that is exceeded ends the job, or the process that exceeds it. */
export interface JobLimits {
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly maxProcesses: number;
  readonly maxOpenFiles: number;
  /** Largest single file. */
  readonly maxFileBytes: number;
  /** Size of the private /tmp, and of /dev/shm, where there is one. */
  readonly tmpBytes: number;
}

/** What an executor can limit by other means, or must not limit for a single job. */
export interface LimitScope {
  /** A control group counts the memory of the whole job, and what it really uses. */
  readonly memoryIsGrouped: boolean;
  /** The job has a user namespace, or processes of its user elsewhere would count as well. */
  readonly hasOwnUser: boolean;
}

/**
 * Shell commands that lower the limits of their own process. A limit that cannot be set, because the hard
 * limit is lower already, is left as it is.
 */
export function limitCommands(limits: JobLimits, scope: LimitScope): string[] {
  const resources = [
    ["-c", 0],
    ["-n", limits.maxOpenFiles],
    ["-f", Math.ceil(limits.maxFileBytes / 1024)],
    ...(scope.hasOwnUser ? [["-u", limits.maxProcesses]] : []),
    ...(scope.memoryIsGrouped ? [] : [["-d", Math.ceil(limits.memoryBytes / 1024)]]),
  ];
  const lower = resources.map(([flag, value]) => `ulimit ${flag} ${value} 2> /dev/null || :`);
  return [FIRST_TO_GO, ...lower];
}

/** Where memory runs out, as in a container with a limit of its own, the job goes and the agent stays. */
const FIRST_TO_GO = "{ echo 1000 > /proc/self/oom_score_adj; } 2> /dev/null || :";
