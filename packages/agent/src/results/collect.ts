import { rm } from "node:fs/promises";

import {
  TAR_END,
  measureTree,
  packEntries,
  packTree,
  type PackEntry,
  type TreeSelection,
} from "@jobctl/archive";
import { replaceFile, writeStream, wallClock, type WrittenFile } from "@jobctl/daemon";
import {
  MAX_REPORTED_FILES,
  REPORT_FILE,
  RESERVED_FOLDER,
  STDERR_FILE,
  STDOUT_FILE,
  type RenamedFile,
  type Report,
  type SkippedFile,
} from "@jobctl/protocol";

import { logSize } from "../workspace/log-file.js";
import { openWorkspace, type AttemptPaths } from "../workspace/workspace.js";
import { compileOutputs } from "./compile-outputs.js";

/** A report before its files have been gone through. */
export type ReportFacts = Omit<Report, "skipped" | "skippedTotal" | "renamed">;

/** Bounds of a result. */
export interface CollectSettings {
  readonly maxResultBytes: number;
  /** Most entries of a workspace that are packed. */
  readonly maxEntries: number;
}

/** Which files of a workspace go into a result. */
export type Outputs = { readonly globs: readonly string[] } | "none";

/** The job has ended, so directory permissions need not be restored. */
const ACCESS = { directoryBits: 0o700, restore: false } as const;

/**
 * Packs what a job has left behind: its workspace, or the part of it that was asked for, and
 * `.jobctl/` with both logs and the report. Nothing of the job may be alive any more.
 *
 * Entries that could not be unpacked safely elsewhere (links out of the workspace, devices, FIFOs,
 * sockets, paths that are too long) are left out and listed in the report.
 *
 * @param outputs with no globs, the whole workspace
 * @throws ResultTooLarge; the logs and the report alone are never too large
 */
export async function collectResult(
  paths: AttemptPaths,
  outputs: Outputs,
  report: ReportFacts,
  settings: CollectSettings,
): Promise<WrittenFile> {
  if (outputs === "none") return writeResult(paths, report, new FileLists(), emptyArchive());
  const { maxResultBytes, maxEntries } = settings;
  const workspace = openWorkspace(paths);
  try {
    const selection = { wanted: compileOutputs(outputs.globs), access: ACCESS, maxEntries };
    const lists = new FileLists();
    const sizeBytes = await measureTree(workspace, { ...selection, ...lists.listeners });
    if (sizeBytes > maxResultBytes) throw new ResultTooLarge(sizeBytes, maxResultBytes);
    const packed = packTree(workspace, selection, maxResultBytes);
    return await writeResult(paths, report, lists, exactly(sizeBytes, packed));
  } finally {
    workspace.close();
  }
}

/** A file that could be measured and not be packed would be missing without a word. */
async function* exactly(sizeBytes: number, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let packedBytes = 0;
  for await (const piece of source) {
    packedBytes += piece.length;
    yield piece;
  }
  if (packedBytes === sizeBytes) return;
  throw new Error(`${packedBytes} of ${sizeBytes} bytes could be packed: a file has changed`);
}

/** A result that would be larger than a result may be. */
export class ResultTooLarge extends Error {
  constructor(sizeBytes: number, maxBytes: number) {
    super(
      `the result would have ${sizeBytes} bytes, the limit is ${maxBytes} bytes; its files were not kept`,
    );
  }
}

/** What a report says of files, bounded. */
class FileLists {
  readonly skipped: SkippedFile[] = [];
  readonly renamed: RenamedFile[] = [];
  skippedTotal = 0;

  readonly listeners: Required<Pick<TreeSelection, "onSkipped" | "onRenamed">> = {
    onSkipped: (path, reason) => {
      this.skippedTotal += 1;
      if (this.skipped.length < MAX_REPORTED_FILES) this.skipped.push({ path: path(), reason });
    },
    onRenamed: (path, name) => {
      if (this.renamed.length < MAX_REPORTED_FILES)
        this.renamed.push({ path, nameBytes: name.toString("base64") });
    },
  };
}

async function* emptyArchive(): AsyncGenerator<Buffer> {}

async function writeResult(
  paths: AttemptPaths,
  facts: ReportFacts,
  { skipped, skippedTotal, renamed }: FileLists,
  workspace: AsyncIterable<Buffer>,
): Promise<WrittenFile> {
  const report: Report = { ...facts, skipped, skippedTotal, renamed };
  const text = `${JSON.stringify(report, null, 2)}\n`;
  await replaceFile(paths.report, text);
  await rm(paths.result, { force: true });
  return writeStream(paths.result, archiveOf(paths, Buffer.byteLength(text), workspace));
}

async function* archiveOf(
  paths: AttemptPaths,
  reportBytes: number,
  workspace: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const file = (path: string, sizeBytes: number): PackEntry => ({
    ...{ path, type: "file", sizeBytes, mode: 0o644 },
    ...{ linkTarget: null, modifiedAt: new Date(wallClock()) },
  });
  const folder: PackEntry = { ...file(RESERVED_FOLDER, 0), type: "directory", mode: 0o755 };
  const entries = [
    folder,
    file(REPORT_FILE, reportBytes),
    file(STDERR_FILE, logSize(paths.stderr)),
    file(STDOUT_FILE, logSize(paths.stdout)),
  ];
  const places: Readonly<Record<string, string>> = {
    [REPORT_FILE]: paths.report,
    [STDERR_FILE]: paths.stderr,
    [STDOUT_FILE]: paths.stdout,
  };
  yield* packEntries(entries, ({ path }) => places[path] ?? paths.report);
  yield* workspace;
  yield TAR_END;
}
