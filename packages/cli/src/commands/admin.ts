import type { GcReport, Leader, ReconcileReport } from "@jobctl/protocol";
import { EXIT } from "@jobctl/protocol/error";

import { confirm } from "../confirm.js";
import { describeDamage, describeUsers } from "../damage.js";
import { runCommand, type CommonFlags } from "../command.js";
import { formatTable, type Column } from "../table.js";
import { formatBytes, formatCount } from "../units.js";

export interface DryRunFlags extends CommonFlags {
  readonly dryRun?: boolean;
}

export interface GcFlags extends DryRunFlags {
  readonly force?: boolean;
  readonly yes?: boolean;
  readonly verify?: boolean;
}

export interface ReconcileFlags extends DryRunFlags {
  readonly header: boolean;
}

const RECONCILE_COLUMNS: readonly Column<ReconcileReport["items"][number]>[] = [
  { key: "agent", title: "AGENT", human: (item) => item.agent },
  { key: "attempt", title: "ATTEMPT", human: (item) => item.attemptId },
  { key: "finding", title: "FINDING", human: (item) => item.finding },
  { key: "action", title: "ACTION", human: (item) => item.action },
];

/** Exits with 1 when something that jobs refer to is missing or damaged. */
export async function gc(flags: GcFlags): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    const force = flags.force === true;
    if (force && flags.dryRun !== true)
      await confirm(flags, "Remove every stored file that belongs to no job?", signal);
    const report = await client.json<GcReport>("/v1/admin/gc", {
      method: "POST",
      query: {
        dryRun: String(flags.dryRun === true),
        force: String(force),
        verify: String(flags.verify === true),
      },
      signal,
      // The server looks at every stored file before it answers.
      silenceMs: 0,
    });
    if (output.flags.json) output.json(report);
    else {
      // What is wrong is told all the same: made for cron.
      const { quiet } = output.flags;
      const verb = report.dryRun ? "would remove" : "removed";
      const { blobs, temporaryFiles } = report;
      if (!quiet)
        output.line(
          `${verb} ${formatCount(blobs.count, "blob")} (${formatBytes(blobs.sizeBytes)}) and ${formatCount(temporaryFiles.count, "temporary file")} (${formatBytes(temporaryFiles.sizeBytes)})`,
        );
      const { verified, missing, damaged, keptForBackup } = report;
      if (keptForBackup.count > 0 && !quiet)
        output.line(
          `kept ${formatCount(keptForBackup.count, "file")} (${formatBytes(keptForBackup.sizeBytes)}): a backup is under way; run jobctl gc again when it has ended`,
        );
      if (verified !== null && !quiet)
        output.line(
          `read ${formatCount(verified.count, "blob")} (${formatBytes(verified.sizeBytes)}) through: ${damaged.length} damaged`,
        );
      for (const { jobId, kind, sha256 } of missing)
        output.line(`job ${jobId}: its ${kind} is missing: ${sha256}`);
      if (missing.length > 0)
        output.note("jobctl doctor says how a file is put back from a backup.");
      for (const blob of damaged)
        output.line(`${describeUsers(blob.jobs)}: ${describeDamage(blob)}`);
    }
    return report.missing.length + report.damaged.length > 0 ? EXIT.unexpected : EXIT.ok;
  });
}

export async function reconcile(flags: ReconcileFlags): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    const report = await client.json<ReconcileReport>("/v1/admin/reconcile", {
      method: "POST",
      query: { dryRun: String(flags.dryRun === true) },
      signal,
    });
    if (output.flags.json) return output.json(report);
    const options = { interactive: output.interactive, header: flags.header };
    output.styled(await formatTable(report.items, RECONCILE_COLUMNS, options));
  });
}

export async function leader(flags: CommonFlags): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    const answer = await client.json<Leader>("/v1/admin/leader", { signal });
    if (output.flags.json) return output.json(answer);
    output.line(
      `${answer.holder ?? "nobody"} is active since ${answer.since ?? "-"} (epoch ${answer.epoch ?? "-"}); this server is ${answer.role === "active" ? "that one" : "a standby"}`,
    );
  });
}
