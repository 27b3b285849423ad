import { closeSync, constants } from "node:fs";
import { copyFile, mkdir, open, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { openRegularFile } from "@jobctl/archive";
import { requirePlainPath, syncDirectory } from "@jobctl/daemon/files";
import type { BlobUser } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";

import { inParallel } from "../in-parallel.js";
import { runCheckData } from "./check-data.js";
import { Destination } from "./destination.js";
import { BackupDirectory, type BrokenRef, type DamagedRef } from "./repository.js";

const AT_ONCE = 8;
/** Damaged blobs whose jobs are looked up: what asks for them has to fit into an argument. */
const MAX_LOOKED_UP = 500;

export interface RestoreOptions {
  readonly force: boolean;
  readonly dryRun: boolean;
  /** Whether the restored server is the same installation, which its agents work for. */
  readonly takeOver: boolean;
  readonly signal: AbortSignal;
}

export interface Restored {
  readonly snapshot: string;
  readonly setAside: string | null;
  readonly installation: string | null;
  readonly takeOver: boolean;
  readonly nextJobId: number | null;
  readonly blobs: number;
  readonly sizeBytes: number;
  /** What the backup lacks, because it was damaged when that was taken. */
  readonly missing: readonly Pick<DamagedRef, "sha256" | "jobs">[];
  /** What has been damaged in the backup since, and was left out. */
  readonly damaged: readonly (BrokenRef & { readonly jobs: BlobUser[] })[];
}

/**
 * Makes a data directory from a snapshot. Everything is verified first, written beside the directory,
 * synced, and put in its place; what was there before is set aside. Restored by root, the data belong to the
 * directory's owner. Blobs that are damaged in the backup are left out and told. Of several that restore into one
 * directory the first to finish wins; the others leave nothing.
 *
 * @param snapshotPath a snapshot's directory, or `latest`
 * @throws JobctlError `backup_not_found`, `backup_damaged`, `file_exists`, `data_dir_locked`
 */
export async function restore(
  snapshotPath: string,
  dataPath: string,
  options: RestoreOptions,
): Promise<Restored> {
  const target = requirePlainPath("--data", dataPath);
  const { source, name } = await findSnapshot(snapshotPath);
  const destination = await Destination.find(target);
  if (destination.isFilled) {
    if (!options.force) {
      throw new JobctlError("file_exists", `${target} is not empty`, {
        hint: "Restore into a new directory, or use --force, which sets the old one aside.",
      });
    }
    await runCheckData("free", target);
  }
  const { problems, damaged, missing } = await source.verify(name);
  if (problems.length > 0) {
    throw new JobctlError("backup_damaged", `the snapshot ${name} is damaged: ${problems[0]}`, {
      hint: `Choose another one: jobctl backup verify ${source.path}.`,
      details: { problems: [...problems] },
    });
  }
  const manifest = await source.manifest(name);
  const { takeOver } = options;
  const summary = {
    snapshot: name,
    takeOver,
    blobs: manifest.blobs.count,
    sizeBytes: manifest.blobs.sizeBytes + manifest.database.sizeBytes,
    missing: missing.map(({ sha256, jobs }) => ({ sha256, jobs })),
    damaged: damaged.map((blob) => ({ ...blob, jobs: [] })),
  };
  if (options.dryRun) return { ...summary, setAside: null, installation: null, nextJobId: null };
  const { stage } = destination;
  const left = new Set([...missing, ...damaged].map(({ sha256 }) => sha256));
  const { written, setAside } = await destination.fill(async () => {
    await copyData({ source, name, left }, stage, options.signal);
    const order = {
      takeOver,
      createdAt: Date.parse(manifest.createdAt),
      replaced: destination.isFilled ? join(target, "jobctl.db") : null,
      blobs: damaged.slice(0, MAX_LOOKED_UP).map(({ sha256 }) => sha256),
    };
    const told = (await runCheckData("restored", join(stage, "jobctl.db"), order)) as unknown;
    return told as RestoredFacts;
  });
  const { installation, nextJobId, users } = written;
  const named = damaged.map((blob) => ({ ...blob, jobs: users[blob.sha256] ?? [] }));
  return { ...summary, damaged: named, setAside, installation, nextJobId };
}

/** What the server's own program says of the restored database. */
interface RestoredFacts {
  readonly installation: string | null;
  readonly nextJobId: number;
  /** The jobs of the blobs that were asked for, by their digests. */
  readonly users: Readonly<Record<string, BlobUser[]>>;
}

/** `DIR/snapshots/NAME`, or a link to it. */
export async function findSnapshot(
  path: string,
): Promise<{ source: BackupDirectory; name: string }> {
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
  {
    source,
    name,
    left,
  }: {
    readonly source: BackupDirectory;
    readonly name: string;
    /** Blobs that are left out. */
    readonly left: ReadonlySet<string>;
  },
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const root = join(target, "blobs/sha256");
  await mkdir(root, { recursive: true, mode: 0o700 });
  await copyDurably(join(source.snapshotPath(name), "jobctl.db"), join(target, "jobctl.db"));
  const directories = new Set<string>();
  await inParallel(source.blobsOf(name), AT_ONCE, async ({ sha256 }) => {
    signal.throwIfAborted();
    if (left.has(sha256)) return;
    const directory = join(root, sha256.slice(0, 2));
    await mkdir(directory, { recursive: true, mode: 0o700 });
    directories.add(directory);
    await copyDurably(source.blobPath(sha256), join(directory, sha256));
  });
  for (const directory of [...directories, root, target]) syncDirectory(directory);
}

/** A copy that shares its blocks with the original where the file system can do that. */
async function copyDurably(from: string, to: string): Promise<void> {
  // A FIFO would be waited for.
  closeSync(openRegularFile(from));
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  const file = await open(to, "r+");
  await file.chmod(0o600);
  await file.sync().finally(() => file.close());
}
