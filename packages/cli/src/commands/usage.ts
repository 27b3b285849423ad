import type { UsageReport, UserUsage } from "@jobctl/protocol";

import { runCommand, type CommonFlags } from "../command.js";
import { formatTable, type Column } from "../table.js";
import { formatBytes, formatCount, formatDuration, parseSince } from "../units.js";

export interface UsageFlags extends CommonFlags {
  readonly user?: string;
  readonly mine?: boolean;
  readonly since?: string;
  readonly header: boolean;
}

const seconds = (key: "cpuSeconds" | "wallSeconds", title: string): Column<UserUsage> => ({
  key,
  title,
  human: (item) => formatDuration(item[key]),
  plain: (item) => item[key].toFixed(3),
  alignRight: true,
});

const bytes = (key: "inputBytes" | "resultBytes", title: string): Column<UserUsage> => ({
  key,
  title,
  human: (item) => formatBytes(item[key]),
  plain: (item) => String(item[key]),
  alignRight: true,
});

const count = (key: "jobs" | "queued" | "active", title: string): Column<UserUsage> => ({
  key,
  title,
  human: (item) => String(item[key]),
  alignRight: true,
});

const COLUMNS: readonly Column<UserUsage>[] = [
  { key: "user", title: "USER", human: (item) => item.user },
  count("jobs", "JOBS"),
  seconds("cpuSeconds", "CPU"),
  seconds("wallSeconds", "WALL"),
  count("queued", "QUEUED"),
  count("active", "ACTIVE"),
  bytes("inputBytes", "INPUTS"),
  bytes("resultBytes", "RESULTS"),
];

export async function usage(flags: UsageFlags): Promise<void> {
  await runCommand(flags, async ({ client, config, output, signal }) => {
    const report = await client.json<UsageReport>("/v1/usage", {
      query: {
        user: flags.mine === true ? config.user : flags.user,
        since: flags.since === undefined ? undefined : parseSince(flags.since),
      },
      signal,
    });
    if (output.flags.json) return output.json(report);
    const options = { interactive: output.interactive, header: flags.header };
    output.styled(await formatTable(report.items, COLUMNS, options));
    output.note(describeStorage(report.storage));
  });
}

function describeStorage(storage: UsageReport["storage"]): string {
  const { blobBytes, databaseBytes, freeBytes, reserveBytes, bytesPerDay, daysLeft } = storage;
  const stored = formatBytes((blobBytes ?? 0) + databaseBytes);
  const growth =
    bytesPerDay === null ? "" : `; the last days brought ${formatBytes(bytesPerDay)} a day`;
  const left =
    daysLeft === null ? "" : `, which leaves ${formatCount(Math.floor(daysLeft), "day")}`;
  return `${stored} stored, ${formatBytes(freeBytes)} free, of which ${formatBytes(reserveBytes)} stay free${growth}${left}`;
}
