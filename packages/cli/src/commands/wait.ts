import { setMaxListeners } from "node:events";

import { signalWithin } from "@jobctl/daemon/signal-within";
import type { Job } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";
import { isTerminal } from "@jobctl/protocol/lifecycle";

import { runCommand, type CommonFlags, type Context } from "../command.js";
import { exitCodeOf, firstFailure } from "../exit-code.js";
import { inParallel } from "../in-parallel.js";
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

/** Each has a connection of its own. */
const WATCHED_AT_ONCE = 50;
const MOST_FOR_ANY = 200;

/** All of them, in the order of the ids; with `--any` the first that ends. */
async function waitForJobs(
  ids: readonly number[],
  flags: WaitFlags,
  context: Context,
): Promise<Job[]> {
  const timeoutMs = flags.timeout === undefined ? Infinity : parseDuration(flags.timeout) * 1000;
  const limit = signalWithin(timeoutMs > LONGEST_TIMER_MS ? null : timeoutMs);
  const done = new AbortController();
  const either = signalWithin(null, context.signal, done.signal, limit.signal);
  const { signal } = either;
  // Each request listens to it.
  setMaxListeners(0, signal);
  const watch = async (id: number): Promise<Job> => {
    const enough = ({ status }: Job): boolean => isTerminal(status);
    const job = await waitForJob(context.client, id, { signal, enough });
    if (!done.signal.aborted) context.output.note(summaryOf(job));
    return job;
  };
  try {
    return flags.any === true ? [await firstOf(ids, watch, done)] : await allOf(ids, watch, done);
  } catch (error) {
    if (limit.signal.aborted && !context.signal.aborted) {
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
    either.release();
    limit.release();
  }
}

/** All of them have to end: it does not matter which are watched first. */
async function allOf(
  ids: readonly number[],
  watch: (id: number) => Promise<Job>,
  done: AbortController,
): Promise<Job[]> {
  const jobs: Job[] = [];
  await inParallel(ids.entries(), WATCHED_AT_ONCE, async ([at, id]) => {
    try {
      jobs[at] = await watch(id);
    } catch (error) {
      done.abort();
      throw error;
    }
  });
  return jobs;
}

async function firstOf(
  ids: readonly number[],
  watch: (id: number) => Promise<Job>,
  done: AbortController,
): Promise<Job> {
  if (ids.length > MOST_FOR_ANY)
    throw new JobctlError("usage", `--any can watch ${MOST_FOR_ANY} jobs, not ${ids.length}`);
  const watches = ids.map(watch);
  try {
    return await Promise.race(watches);
  } finally {
    done.abort();
    await Promise.allSettled(watches);
  }
}
