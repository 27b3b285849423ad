import type { Output } from "@jobctl/protocol";

import { runCommand, type CommonFlags } from "../command.js";
import { noteHidden, printJobs } from "../job-table.js";

export interface QueueFlags extends CommonFlags {
  readonly header: boolean;
  readonly limit?: string;
}

type Queue = Extract<Output, { schema: "jobctl.queue/v1" }>;

export async function queue(flags: QueueFlags): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    const waiting = await client.json<Queue>("/v1/queue", {
      query: { limit: flags.limit },
      signal,
    });
    if (output.flags.json) return output.json(waiting);
    const columns = ["position", "id", "name", "user", "service", "reason", "priority", "age"];
    await printJobs(waiting.items, output, { columns, header: flags.header });
    noteHidden(waiting, output);
  });
}
