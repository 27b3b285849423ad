import type { JobEvent, Output } from "@jobctl/protocol";

import { runCommand, type CommonFlags } from "../command.js";
import { parseJobId } from "../job-ids.js";
import { formatTable, type Column } from "../table.js";

export interface EventsFlags extends CommonFlags {
  readonly header: boolean;
}

type Events = Extract<Output, { schema: "jobctl.events/v1" }>;

const COLUMNS: readonly Column<JobEvent>[] = [
  { key: "at", title: "AT", human: (event) => event.at },
  {
    key: "event",
    title: "EVENT",
    human: (event) => (event.type === "status" ? event.status : event.type),
  },
  { key: "reason", title: "REASON", human: (event) => event.reason ?? "-" },
  {
    key: "attempt",
    title: "ATTEMPT",
    human: (event) => (event.attempt === 0 ? "-" : String(event.attempt)),
  },
  { key: "agent", title: "AGENT", human: (event) => event.agent ?? "-" },
  {
    key: "message",
    title: "MESSAGE",
    human: ({ message, repeats }) =>
      repeats > 1 ? `${message ?? "-"} (${repeats} times)` : (message ?? "-"),
  },
];

export async function events(idText: string, flags: EventsFlags): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    const id = parseJobId(idText);
    const history = await client.json<Events>(`/v1/jobs/${id}/events`, { signal });
    if (output.flags.json) return output.json(history);
    const options = { interactive: output.interactive, header: flags.header };
    output.styled(await formatTable(history.items, COLUMNS, options));
  });
}
