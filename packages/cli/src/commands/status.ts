import type { Job, JobList } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";

import { runCommand, type CommonFlags, type Context } from "../command.js";
import { describeJob } from "../job-detail.js";
import { DEFAULT_COLUMNS, noteHidden, printJobs } from "../job-table.js";
import { parseJobIds } from "../job-ids.js";
import { LONGEST_TIMER_MS, parseDuration, parseSince } from "../units.js";

export interface StatusFlags extends CommonFlags {
  readonly state?: readonly string[];
  readonly user?: string;
  readonly mine?: boolean;
  readonly service?: string;
  readonly label?: readonly string[];
  readonly since?: string;
  readonly limit?: string;
  readonly sort?: string;
  readonly watch?: string | boolean;
  readonly header: boolean;
  readonly columns?: string;
}

export async function status(ids: readonly string[], flags: StatusFlags): Promise<void> {
  await runCommand(flags, async (context) => {
    const wanted = parseJobIds(ids);
    if (flags.watch === undefined) return show(wanted, flags, context);
    const everySeconds = flags.watch === true ? 2 : parseDuration(String(flags.watch));
    const everyMs = Math.min(Math.max(everySeconds, 0.2) * 1000, LONGEST_TIMER_MS);
    return watch(wanted, flags, context, everyMs);
  });
}

async function show(ids: readonly number[], flags: StatusFlags, context: Context): Promise<void> {
  const [only] = ids;
  if (ids.length === 1 && only !== undefined) return showOne(only, context);
  const list = await fetchJobs(ids, flags, context);
  await print(list, flags, context);
}

async function showOne(id: number, { client, output, signal }: Context): Promise<void> {
  const job = await client.json<Job & { schema: "jobctl.job/v1" }>(`/v1/jobs/${id}`, { signal });
  if (output.flags.json) output.json(job);
  else for (const line of describeJob(job)) output.line(line);
}

async function print(list: JobList, flags: StatusFlags, { output }: Context): Promise<void> {
  if (output.flags.json) return output.json(list);
  const columns = flags.columns?.split(",") ?? DEFAULT_COLUMNS;
  await printJobs(list.items, output, { columns, header: flags.header });
  noteHidden(list, output);
}

async function fetchJobs(
  ids: readonly number[],
  flags: StatusFlags,
  context: Context,
): Promise<JobList> {
  const list = await context.client.json<JobList>("/v1/jobs", {
    query: {
      id: ids.length === 0 ? undefined : ids.join(","),
      state: flags.state === undefined ? undefined : flags.state.join(","),
      user: flags.mine === true ? context.config.user : flags.user,
      service: flags.service,
      label: flags.label,
      since: flags.since === undefined ? undefined : parseSince(flags.since),
      limit: flags.limit ?? (ids.length > 0 ? ids.length : undefined),
      sort: flags.sort,
    },
    signal: context.signal,
  });
  const missing = ids.filter((id) => !list.items.some((job) => job.id === id));
  if (missing.length === 0 || hasFilter(flags)) return list;
  throw new JobctlError("job_not_found", `there is no job ${missing.join(", ")}`, {
    details: { ids: missing },
  });
}

function hasFilter(flags: StatusFlags): boolean {
  return [flags.state, flags.user, flags.mine, flags.service, flags.label, flags.since].some(
    (flag) => flag !== undefined,
  );
}

async function watch(
  ids: readonly number[],
  flags: StatusFlags,
  context: Context,
  everyMs: number,
): Promise<void> {
  const { output, signal } = context;
  for (;;) {
    const list = await fetchJobs(ids, flags, context);
    if (output.interactive) output.styled(["\u001b[2J\u001b[H"]);
    await print(list, flags, context);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, everyMs);
      signal.addEventListener(
        "abort",
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    });
    if (signal.aborted) return;
  }
}
