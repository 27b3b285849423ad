import type { BlobUser } from "@jobctl/protocol";

/** Jobs that are named in a line. */
const MAX_NAMED = 5;

/** The jobs that a blob belongs to, for people: `the result of job 3, the input of job 4`. */
export function describeUsers(jobs: readonly BlobUser[]): string {
  if (jobs.length === 0) return "no job";
  const named = jobs.slice(0, MAX_NAMED).map(({ jobId, kind }) => `the ${kind} of job ${jobId}`);
  const others = jobs.length - named.length;
  return named.join(", ") + (others > 0 ? ` and ${others} more` : "");
}
