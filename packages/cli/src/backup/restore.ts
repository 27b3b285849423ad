import { constants } from "node:fs";
import { copyFile, mkdir, open, readdir, realpath, rename, rm } from "node:fs/promises";
import { fork } from "node:child_process";
import { once } from "node:events";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { syncDirectory } from "@jobctl/daemon/files";
import { JobctlError, isErrorCode } from "@jobctl/protocol/error";

import { inParallel } from "../in-parallel.js";
import { BackupDirectory } from "./repository.js";

const AT_ONCE = 8;

export interface RestoreOptions {
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

export interface Restored {
  readonly snapshot: string;
  readonly setAside: string | null;
  readonly blobs: number;
  readonly sizeBytes: number;
}

/**
 * Makes a data directory from a snapshot. Everything is verified first, written beside the directory,
 * synced, and put in its place in one step; what was there before is set aside.
 *
 * @param snapshotPath a snapshot's directory, or `latest`
 * @throws JobctlError `backup_not_found`, `backup_damaged`, `file_exists`, `data_dir_locked`
 */
export async function restore(
  snapshotPath: string,
  dataPath: string,
  options: RestoreOptions,
): Promise<Restored> {
  const { source, name } = await findSnapshot(snapshotPath);
  const target = resolve(dataPath);
  const entries = await readdir(target).catch(() => []);
  if (entries.length > 0) {
    if (!options.force) {
      throw new JobctlError("file_exists", `${target} is not empty`, {
        hint: "Restore into a new directory, or use --force, which sets the old one aside.",
      });
    }
    await checkData("free", target);
  }
  const problems = await source.verify(name);
  if (problems.length > 0) {
    throw new JobctlError("backup_damaged", `the snapshot ${name} is damaged: ${problems[0]}`, {
      hint: `Choose another one: jobctl backup verify ${source.path}.`,
      details: { problems },
    });
  }
  const manifest = await source.manifest(name);
  const summary = {
    snapshot: name,
    blobs: manifest.blobs.count,
    sizeBytes: manifest.blobs.sizeBytes + manifest.database.sizeBytes,
  };
  if (options.dryRun) return { ...summary, setAside: null };
  const beside = `${target}.restoring`;
  await rm(beside, { recursive: true, force: true });
  try {
    await copyData(source, name, beside, options.signal);
    await checkData("restored", join(beside, "jobctl.db"));
    const setAside = entries.length > 0 ? `${target}.before-${Date.now()}` : null;
    if (setAside === null) await rm(target, { recursive: true, force: true });
    else await rename(target, setAside);
    await rename(beside, target);
    syncDirectory(dirname(target));
    return { ...summary, setAside };
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

/** `DIR/snapshots/NAME`, or a link to it. */
async function findSnapshot(path: string): Promise<{ source: BackupDirectory; name: string }> {
  const real = await realpath(path).catch(() => null);
  if (real === null || basename(dirname(real)) !== "snapshots") {
    throw new JobctlError("backup_not_found", `${path} is not a snapshot`, {
      hint: "Give DIR/latest, or DIR/snapshots/NAME; jobctl backup list DIR lists the names.",
    });
  }
  const source = new BackupDirectory(dirname(dirname(real)));
  return { source, name: basename(real) };
}

async function copyData(
  source: BackupDirectory,
  name: string,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const root = join(target, "blobs/sha256");
  await mkdir(root, { recursive: true, mode: 0o700 });
  await copyDurably(join(source.snapshotPath(name), "jobctl.db"), join(target, "jobctl.db"));
  const directories = new Set<string>();
  await inParallel(source.blobsOf(name), AT_ONCE, async ({ sha256 }) => {
    signal.throwIfAborted();
    const directory = join(root, sha256.slice(0, 2));
    await mkdir(directory, { recursive: true, mode: 0o700 });
    directories.add(directory);
    await copyDurably(source.blobPath(sha256), join(directory, sha256));
  });
  for (const directory of [...directories, root, target]) syncDirectory(directory);
}

/** A copy that shares its blocks with the original where the file system can do that. */
async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  const file = await open(to, "r+");
  await file.chmod(0o600);
  await file.sync().finally(() => file.close());
}

/** Runs the server's own program, which alone knows its database. */
async function checkData(what: "free" | "restored", path: string): Promise<void> {
  const child = fork(fileURLToPath(import.meta.resolve("@jobctl/server/check-data")), [what, path]);
  const message = await Promise.race([
    once(child, "message").then(([told]) => told as Record<string, unknown>),
    once(child, "exit").then(() => null),
  ]);
  if (message?.["event"] === "ready") return;
  const code = message?.["code"];
  throw new JobctlError(
    isErrorCode(code) ? code : "daemon_failed",
    message === null ? `${path} could not be checked` : String(message["message"]),
    typeof message?.["hint"] === "string" ? { hint: message["hint"] } : {},
  );
}
