import { constants } from "node:os";

import type { Job } from "@jobctl/protocol";
import { EXIT } from "@jobctl/protocol/error";

/** What the command line ends with for a job that has ended: the job's own exit code if it has one. */
export function exitCodeOf(job: Pick<Job, "status" | "outcome">): number {
  switch (job.status) {
    case "completed":
      return EXIT.ok;
    case "failed":
      return exitCodeOfFailure(job.outcome);
    case "invalid":
      return EXIT.rejected;
    case "timed_out":
      return EXIT.jobTimedOut;
    case "cancelled":
      return EXIT.jobCancelled;
    case "lost":
      return EXIT.jobLost;
    case "queued":
    case "dispatched":
    case "running":
    case "collecting":
      return EXIT.waitTimedOut;
  }
}

function exitCodeOfFailure(outcome: Job["outcome"]): number {
  if (outcome?.exitCode) return outcome.exitCode;
  const number = constants.signals[(outcome?.signal ?? "") as NodeJS.Signals];
  return number === undefined ? EXIT.jobFailed : 128 + number;
}

/** For several jobs: the first that is not zero, in the order of the arguments. */
export function firstFailure(codes: readonly number[]): number {
  return codes.find((code) => code !== EXIT.ok) ?? EXIT.ok;
}
