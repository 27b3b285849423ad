import { link, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import {
  pack,
  packedSize,
  symlinkStaysInside,
  toPackEntries,
  walkAll,
  type FoundEntry,
} from "@jobctl/archive";
import { writeStream, type WrittenFile } from "@jobctl/daemon";
import {
  REPORT_FILE,
  RESERVED_FOLDER,
  STDERR_FILE,
  STDOUT_FILE,
  type Report,
  type SkippedFile,
} from "@jobctl/protocol";
import picomatch from "picomatch";

import { isPermissionError, unlockTree, type AttemptPaths } from "../workspace/workspace.js";

/**
 * Packs what a job has left behind: its workspace, or the part of it that was asked for, and
 * `.jobctl/` with both logs and the report. Nothing of the job may be alive any more.
 *
 * Entries that could not be unpacked safely elsewhere (links out of the workspace, devices, fifos,
 * sockets) are left out and listed in the report.
 *
 * @param outputs globs of the files to keep; empty keeps all
 * @throws ResultTooLarge; the logs and the report alone are never too large
 */
export async function collectResult(
  paths: AttemptPaths,
  outputs: readonly string[],
  report: Omit<Report, "skipped">,
  maxBytes: number,
): Promise<WrittenFile> {
  try {
    return await collect(paths, outputs, report, maxBytes);
  } catch (error) {
    if (!isPermissionError(error)) throw error;
    await unlockTree(paths.workspace);
    return collect(paths, outputs, report, maxBytes);
  }
}

/** A result that would be larger than a result may be. */
export class ResultTooLarge extends Error {
  constructor(sizeBytes: number, maxBytes: number) {
    super(
      `the result would have ${sizeBytes} bytes, the limit is ${maxBytes} bytes; its files were not kept`,
    );
  }
}

async function collect(
  paths: AttemptPaths,
  outputs: readonly string[],
  report: Omit<Report, "skipped">,
  maxBytes: number,
): Promise<WrittenFile> {
  const found = await walkAll(paths.workspace);
  const { kept, skipped } = selectEntries(found, outputs);
  const reserved = await addReservedFolder(paths, { ...report, skipped });
  const entries = toPackEntries([...reserved, ...kept]);
  const sizeBytes = packedSize(entries);
  if (sizeBytes > maxBytes && kept.length > 0) throw new ResultTooLarge(sizeBytes, maxBytes);
  await rm(paths.result, { force: true });
  return writeStream(paths.result, pack(paths.workspace, entries));
}

/** What goes into the result, and what of the rest somebody might look for. */
function selectEntries(
  found: readonly FoundEntry[],
  outputs: readonly string[],
): { kept: FoundEntry[]; skipped: SkippedFile[] } {
  const wanted = outputs.length === 0 ? () => true : picomatch([...outputs], { dot: true });
  const kept: FoundEntry[] = [];
  const skipped: SkippedFile[] = [];
  for (const entry of found) {
    const problem = problemOf(entry);
    if (problem !== null) skipped.push({ path: entry.path, reason: problem });
    else if (wanted(entry.path) && !isReserved(entry.path)) kept.push(entry);
  }
  return { kept, skipped };
}

function problemOf(entry: FoundEntry): string | null {
  if (entry.path === RESERVED_FOLDER) return "the name is reserved";
  if (entry.type === "other") return "not a file, directory or link";
  if (entry.type !== "symlink") return null;
  return symlinkStaysInside(entry.path, entry.linkTarget ?? "")
    ? null
    : `a symlink out of the workspace, to ${JSON.stringify(entry.linkTarget)}`;
}

function isReserved(path: string): boolean {
  return path.startsWith(`${RESERVED_FOLDER}/`);
}

/** Puts our own folder in the place of whatever a job has put there, and describes it. */
async function addReservedFolder(paths: AttemptPaths, report: Report): Promise<FoundEntry[]> {
  const folder = join(paths.workspace, RESERVED_FOLDER);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  await link(paths.stdout, join(paths.workspace, STDOUT_FILE));
  await link(paths.stderr, join(paths.workspace, STDERR_FILE));
  await writeFile(join(paths.workspace, REPORT_FILE), `${JSON.stringify(report, null, 2)}\n`);
  const ours = await walkAll(paths.workspace, {
    keep: (path) => path === RESERVED_FOLDER || isReserved(path),
  });
  return ours.map((entry) => ({ ...entry, mode: entry.type === "directory" ? 0o755 : 0o644 }));
}
