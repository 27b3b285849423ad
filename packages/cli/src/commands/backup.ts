import { stat } from "node:fs/promises";
import { resolve } from "node:path";

import { wallClock } from "@jobctl/daemon/clock";
import { requirePlainPath } from "@jobctl/daemon/files";
import type { BackupManifest, Output as JsonOutput, VacuumReport } from "@jobctl/protocol";
import { EXIT, JobctlError } from "@jobctl/protocol/error";

import { BackupDirectory, type DamagedRef } from "../backup/repository.js";
import { findSnapshot } from "../backup/restore.js";
import { prune, takeBackup, writeReadme } from "../backup/take.js";
import { confirm } from "../confirm.js";
import { runCommand, type CommonFlags } from "../command.js";
import { describeUsers } from "../damage.js";
import { formatTable, type Column } from "../table.js";
import { formatBytes, formatCount, parseDuration } from "../units.js";

export interface BackupFlags extends CommonFlags {
  readonly keepDays?: string;
}

export interface ListFlags extends CommonFlags {
  readonly header: boolean;
}

export interface VacuumFlags extends CommonFlags {
  readonly check?: boolean;
  readonly olderThan?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

type Item = Extract<JsonOutput, { schema: "jobctl.backups/v1" }>["items"][number];

const COLUMNS: readonly Column<Item>[] = [
  { key: "name", title: "SNAPSHOT", human: (item) => item.name },
  { key: "latest", title: "LATEST", human: (item) => (item.latest ? "latest" : "-") },
  {
    key: "size",
    title: "SIZE",
    human: (item) => formatBytes(item.sizeBytes),
    plain: (item) => String(item.sizeBytes),
    alignRight: true,
  },
  { key: "jobs", title: "JOBS", human: (item) => String(item.jobs), alignRight: true },
  {
    key: "problems",
    title: "PROBLEMS",
    human: (item) => (item.problems.length === 0 ? "-" : item.problems.join("; ")),
    color: (item, chalk) => (item.problems.length === 0 ? chalk.green : chalk.red),
  },
];

/** Silent on success with --quiet: made for cron. Exits with 110 when something damaged had to be left out. */
export async function backup(directory: string, flags: BackupFlags): Promise<void> {
  await runCommand(flags, async (context) => {
    const { client, output, signal } = context;
    const target = new BackupDirectory(requirePlainPath("backup", directory));
    context.onInterrupt("What has been copied stays; the next run goes on from there.");
    const keepDays = flags.keepDays === undefined ? null : readDays(flags.keepDays);
    const { taken, removed } = await target.exclusively(async () => {
      await writeReadme(target);
      return {
        taken: await takeBackup(target, { client, signal, onBytes: () => {} }),
        removed: keepDays === null ? [] : await prune(target, keepDays, wallClock()),
      };
    });
    const { manifest, copied, damaged } = taken;
    for (const { sha256, jobs, found } of damaged)
      output.warn(`not in this backup: ${describeUsers(jobs)} (${sha256}): ${found}`);
    const exitCode = damaged.length > 0 ? EXIT.backupIncomplete : EXIT.ok;
    if (output.flags.json) {
      output.json({
        schema: "jobctl.backup-result/v1",
        snapshot: manifest.name,
        path: target.snapshotPath(manifest.name),
        manifest,
        copied,
        removedSnapshots: removed,
      });
      return exitCode;
    }
    output.note(
      `${target.snapshotPath(manifest.name)}: ${formatCount(manifest.counts.jobs, "job")}, copied the database and ${copied.blobs} of ${formatCount(manifest.blobs.count, "blob")} (${formatBytes(copied.sizeBytes + manifest.database.sizeBytes)})${removed.length > 0 ? `, removed ${formatCount(removed.length, "old snapshot")}` : ""}`,
    );
    return exitCode;
  });
}

export async function backupList(directory: string, flags: ListFlags): Promise<void> {
  await runCommand(flags, async ({ output }) => {
    const items = await listSnapshots(new BackupDirectory(resolve(directory)), false);
    await printItems(items, flags, output);
  });
}

/**
 * Reads everything through, of a backup or of one snapshot; exits with 1 when a digest is not right, and with an
 * error when there is no snapshot: a disk that is not mounted holds none either.
 */
export async function backupVerify(path: string, flags: ListFlags): Promise<void> {
  await runCommand(flags, async ({ output }) => {
    const found = await findSnapshot(path).catch(() => null);
    const directory = found?.source ?? new BackupDirectory(resolve(path));
    const items = await listSnapshots(directory, true, found?.name);
    if (items.length === 0)
      throw new JobctlError("backup_not_found", `${directory.path} holds no snapshot`, {
        hint: "Check that the disk of the backup is mounted, and that jobctl backup has written to this directory.",
      });
    await printItems(items, flags, output);
    return items.some(({ problems }) => problems.length > 0) ? EXIT.unexpected : EXIT.ok;
  });
}

/** @param only the name of a snapshot, where the others are not asked for */
async function listSnapshots(
  directory: BackupDirectory,
  verify: boolean,
  only?: string,
): Promise<Item[]> {
  const names = only === undefined ? await directory.snapshots() : [only];
  if (names.length === 0 && (await stat(directory.path).catch(() => null)) === null) {
    throw new JobctlError("file_not_found", `${directory.path} does not exist`, {
      hint: "Give the directory that jobctl backup writes to.",
    });
  }
  const latest = await directory.latest();
  const known = new Set<string>();
  const items: Item[] = [];
  for (const name of names) {
    try {
      const manifest = await directory.manifest(name);
      items.push({
        name,
        createdAt: manifest.createdAt,
        latest: name === latest,
        sizeBytes: manifest.database.sizeBytes + manifest.blobs.sizeBytes,
        jobs: manifest.counts.jobs,
        problems: verify
          ? await problemsOf(directory, name, known)
          : (await lackingIn(directory, manifest)).map(describeLack),
      });
    } catch (error) {
      const problems = [(error as Error).message];
      items.push({
        name,
        createdAt: null,
        latest: name === latest,
        sizeBytes: 0,
        jobs: 0,
        problems,
      });
    }
  }
  return items;
}

async function problemsOf(
  directory: BackupDirectory,
  name: string,
  known: Set<string>,
): Promise<string[]> {
  const { problems, damaged, missing } = await directory.verify(name, known);
  return [...problems, ...damaged.map(({ found }) => found), ...missing.map(describeLack)];
}

/** What the server could not give when the snapshot was taken, and no later backup brought. */
async function lackingIn(
  directory: BackupDirectory,
  { damaged = [] }: BackupManifest,
): Promise<DamagedRef[]> {
  const isThere = await Promise.all(damaged.map((blob) => directory.hasBlob(blob)));
  return damaged.filter((_, at) => isThere[at] !== true);
}

const describeLack = ({ sha256, jobs }: DamagedRef): string =>
  `lacks ${describeUsers(jobs)} (${sha256}): damaged when the backup was taken`;

async function printItems(
  items: readonly Item[],
  flags: ListFlags,
  output: Parameters<Parameters<typeof runCommand>[1]>[0]["output"],
): Promise<void> {
  if (output.flags.json)
    return output.json({ schema: "jobctl.backups/v1", items: [...items], nextCursor: null });
  const options = { interactive: output.interactive, header: flags.header };
  output.styled(await formatTable(items, COLUMNS, options));
}

export async function vacuum(flags: VacuumFlags): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    if (flags.olderThan !== undefined && flags.check !== true && flags.dryRun !== true)
      await confirm(flags, `Remove every job that ended more than ${flags.olderThan} ago?`, signal);
    const report = await client.json<VacuumReport>("/v1/admin/vacuum", {
      method: "POST",
      query: {
        check: String(flags.check === true),
        dryRun: String(flags.dryRun === true),
        ...(flags.olderThan === undefined
          ? {}
          : { olderThanSeconds: parseDuration(flags.olderThan) }),
      },
      signal,
      silenceMs: 0,
    });
    if (output.flags.json) return output.json(report);
    const sound = `the database is sound, ${formatBytes(report.bytesAfter)}`;
    const change = `${formatBytes(report.bytesBefore)} before, ${formatBytes(report.bytesAfter)} after`;
    if (report.dryRun)
      output.note(`would remove ${formatCount(report.jobsRemoved, "job")}; ${sound}`);
    else if (flags.check === true) output.note(sound);
    else output.note(`removed ${formatCount(report.jobsRemoved, "job")}; ${change}`);
  });
}

function readDays(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days > 0) return days;
  throw new JobctlError("usage", `--keep-days: ${JSON.stringify(text)} is not a number of days`);
}
