import type { Job } from "@jobctl/protocol";
import { isTerminal } from "@jobctl/protocol/lifecycle";

import { runCommand, type CommonFlags } from "../command.js";
import { inParallel } from "../in-parallel.js";
import { parseJobIds } from "../job-ids.js";
import { summaryOf } from "../job-table.js";
import { waitForJob } from "../wait-for-job.js";

const CANCELLED_AT_ONCE = 50;

export interface CancelFlags extends CommonFlags {
  readonly wait?: boolean;
}

export async function cancel(ids: readonly string[], flags: CancelFlags): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    const wanted = parseJobIds(ids);
    const items: { id: number; status: Job["status"]; requested: boolean }[] = [];
    await inParallel(wanted.entries(), CANCELLED_AT_ONCE, async ([at, id]) => {
      const answer = await client.json<Job & { requested: boolean }>(`/v1/jobs/${id}/cancel`, {
        method: "POST",
        signal,
      });
      let job: Job = answer;
      if (flags.wait === true) {
        job = await waitForJob(client, id, { signal, enough: (now) => isTerminal(now.status) });
      }
      items[at] = { id, status: job.status, requested: answer.requested };
      if (!answer.requested) output.note(`job ${id} had ended already: ${job.status}`);
      else output.note(isTerminal(job.status) ? summaryOf(job) : `job ${id} is being stopped`);
    });
    if (output.flags.json) output.json({ schema: "jobctl.cancel/v1", items, nextCursor: null });
  });
}
