import type { Job } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";
import { isTerminal } from "@jobctl/protocol/lifecycle";

import { runCommand, type CommonFlags, type Context } from "../command.js";
import { exitCodeOf, firstFailure } from "../exit-code.js";
import { parseJobIds } from "../job-ids.js";
import { summaryOf } from "../job-table.js";
import { LONGEST_TIMER_MS, parseDuration } from "../units.js";
import { waitForJob } from "../wait-for-job.js";

export interface WaitFlags extends CommonFlags {
  readonly any?: boolean;
  readonly timeout?: string;
}

export async function wait(ids: readonly string[], flags: WaitFlags): Promise<void> {
  await runCommand(flags, async (context) => {
    const wanted = parseJobIds(ids);
    context.onInterrupt(`The jobs go on. To stop them: jobctl cancel ${wanted.join(" ")}`);
    const jobs = await waitForJobs(wanted, flags, context);
    if (context.output.flags.json) {
      context.output.json({ schema: "jobctl.jobs/v1", items: jobs, nextCursor: null });
    }
    return firstFailure(jobs.map(exitCodeOf));
  });
}

/** All of them, in the order of the ids; with `--any` the first that ends. */
async function waitForJobs(
  ids: readonly number[],
  flags: WaitFlags,
  context: Context,
): Promise<Job[]> {
  const timeoutMs = flags.timeout === undefined ? Infinity : parseDuration(flags.timeout) * 1000;
  const limit = timeoutMs > LONGEST_TIMER_MS ? [] : [AbortSignal.timeout(timeoutMs)];
  const done = new AbortController();
  const signal = AbortSignal.any([context.signal, done.signal, ...limit]);
  const waits = ids.map(async (id) => {
    const job = await waitForJob(context.client, id, {
      signal,
      enough: (now) => isTerminal(now.status),
    });
    if (!done.signal.aborted) context.output.note(summaryOf(job));
    return job;
  });
  try {
    return flags.any === true ? [await Promise.race(waits)] : await Promise.all(waits);
  } catch (error) {
    if (limit.some(({ aborted }) => aborted) && !context.signal.aborted) {
      throw new JobctlError(
        "wait_timed_out",
        `not finished after ${timeoutMs / 1000} s: job ${ids.join(", ")}`,
        {
          hint: `They go on. To see how far they are: jobctl status ${ids.join(" ")}`,
          details: { ids },
        },
      );
    }
    throw error;
  } finally {
    done.abort();
    await Promise.allSettled(waits);
  }
}
