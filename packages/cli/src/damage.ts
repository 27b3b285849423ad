import type { BlobUser, DamagedBlob } from "@jobctl/protocol";

/** Jobs that are named in a line. */
const MAX_NAMED = 5;

type Found = Pick<DamagedBlob, "sha256" | "found">;

/** What is wrong with a blob: `ab12… is damaged: its SHA-256 is cd34…`, `ab12… is missing`. */
export const describeDamage = ({ sha256, found }: Found): string =>
  `${sha256} ${predicateOf(found)}`;

/** What was found, as the predicate of a sentence about a file. */
export const predicateOf = (found: string): string =>
  found.startsWith("it ") ? found.slice("it ".length) : `is damaged: ${found}`;

/** What to do about a blob that is damaged, or cannot be read. */
export function damageHint(blob: Found): string {
  if (blob.found.endsWith("permission denied"))
    return "On the server, give it to the server's user: chown -R USER DATA/blobs.";
  return `Check the disk, and put the file back: jobctl restore BACKUP/latest --data DIR --blob ${blob.sha256}.`;
}

/** The jobs that a blob belongs to, for people: `the result of job 3, the input of job 4`. */
export function describeUsers(jobs: readonly BlobUser[]): string {
  if (jobs.length === 0) return "no job";
  const named = jobs.slice(0, MAX_NAMED).map(({ jobId, kind }) => `the ${kind} of job ${jobId}`);
  const others = jobs.length - named.length;
  return named.join(", ") + (others > 0 ? ` and ${others} more` : "");
}
