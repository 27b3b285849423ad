import { resolve } from "node:path";

import { EXIT, JobctlError } from "@jobctl/protocol/error";

import { restoreBlobs } from "../backup/restore-blobs.js";
import { restore, type Restored } from "../backup/restore.js";
import { runCommand, type CommonFlags } from "../command.js";
import { confirm } from "../confirm.js";
import { describeUsers } from "../damage.js";
import type { Output } from "../output.js";
import { formatBytes, formatCount } from "../units.js";

export interface RestoreFlags extends CommonFlags {
  readonly data: string;
  readonly blob?: readonly string[];
  readonly force?: boolean;
  readonly takeOver?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Exits with 110 when something damaged had to be left out. */
export async function restoreSnapshot(snapshot: string, flags: RestoreFlags): Promise<void> {
  await runCommand(flags, async ({ output, signal }) => {
    const dryRun = flags.dryRun === true;
    if (flags.blob !== undefined) return putBack(snapshot, flags.blob, flags, output);
    if (flags.force === true && !dryRun)
      await confirm(flags, `Set aside what is in ${flags.data}?`, signal);
    const restored = await restore(snapshot, flags.data, {
      force: flags.force === true,
      takeOver: flags.takeOver === true,
      dryRun,
      signal,
    });
    const path = resolve(flags.data);
    const exitCode = reportGaps(restored, dryRun, output);
    if (output.flags.json) {
      output.json({
        schema: "jobctl.restore/v1",
        path,
        dryRun,
        ...restored,
        missing: restored.missing.map(({ sha256, jobs }) => ({ sha256, jobs: [...jobs] })),
        damaged: [...restored.damaged],
      });
      return exitCode;
    }
    const what = `${restored.snapshot}, ${formatCount(restored.blobs, "blob")}, ${formatBytes(restored.sizeBytes)}`;
    output.note(
      dryRun
        ? `${what}: verified; nothing was written`
        : `${what}: restored to ${path}${restored.setAside === null ? "" : `; what was there is in ${restored.setAside}`}`,
    );
    if (!dryRun) output.note(`  ${whatNext(restored)}`);
    return exitCode;
  });
}

/** @returns the exit code */
function reportGaps({ missing, damaged }: Restored, dryRun: boolean, output: Output): number {
  for (const { sha256, jobs } of missing)
    output.warn(
      `the backup lacks ${describeUsers(jobs)} (${sha256}): it was damaged when the backup was taken`,
    );
  for (const { sha256, found, jobs } of damaged)
    output.warn(
      dryRun
        ? `damaged in the backup: ${found}`
        : `not restored: ${describeUsers(jobs)} (${sha256}): ${found}`,
    );
  return missing.length + damaged.length > 0 ? EXIT.backupIncomplete : EXIT.ok;
}

/** What the agents will do, and what is left to the operator. */
function whatNext({ takeOver, installation, nextJobId }: Restored): string {
  const ids = `New jobs begin at id ${nextJobId}.`;
  return takeOver
    ? `This is installation ${installation ?? "that its first start makes"}, and newer than the server before: its agents leave that one and work with this one. Never start the old one again; start this one. ${ids}`
    : `This is a copy, with the new installation id ${installation ?? "that its first start makes"}: agents of the server that was backed up refuse it by name, and go on with that one. To replace that server, restore again with --take-over; to give an agent to the copy, stop it, delete its identity.json and start it. ${ids}`;
}

async function putBack(
  snapshot: string,
  digests: readonly string[],
  flags: RestoreFlags,
  output: Output,
): Promise<number> {
  if (flags.force === true || flags.takeOver === true)
    throw new JobctlError(
      "usage",
      "--blob puts single files back and does not go with --force or --take-over",
    );
  const dryRun = flags.dryRun === true;
  const items = await restoreBlobs(snapshot, flags.data, { digests, dryRun });
  const path = resolve(flags.data);
  if (output.flags.json) {
    output.json({ schema: "jobctl.restored-blobs/v1", path, dryRun, items, nextCursor: null });
    return EXIT.ok;
  }
  for (const { sha256, sizeBytes } of items)
    output.note(
      `${sha256}, ${formatBytes(sizeBytes)}: ${dryRun ? "verified; nothing was written" : `put back in ${path}`}`,
    );
  if (!dryRun) output.note("  A running server reads it through within half a minute.");
  return EXIT.ok;
}
