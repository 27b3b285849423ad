import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import {
  pack,
  packedSize,
  symlinkStaysInside,
  toPackEntries,
  walk,
  type FoundEntry,
  type PackEntry,
} from "@jobctl/archive";
import { JobctlError } from "@jobctl/protocol/error";
import { RUN_SCRIPT } from "@jobctl/protocol/reserved";

import { IgnoreRules } from "./ignore-rules.js";

/** A job that is about to be submitted. */
export interface JobSource {
  /** Name for people, from the path. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Its scripts, where they lie on this machine; null for an archive that was made elsewhere. */
  readonly scripts: { readonly run: string; readonly directory: string } | null;
  /** What goes into the archive; null for an archive that was made elsewhere. */
  readonly entries: readonly PackEntry[] | null;
  /** The archive, from the start. */
  open(): AsyncIterable<Buffer>;
}

/** Called with the number of bytes that have been read. */
export type OnBytes = (bytes: number) => void;

/**
 * Makes a job of a directory, an archive, or a single script. The archive is read twice rather than
 * written to disk: once for its digest, and again only if the server does not hold it.
 *
 * @throws JobctlError `file_not_found`, `run_script_missing`, `archive_unsafe_entry`,
 *   `config_invalid` for an ignore file
 */
export async function readJobSource(path: string, onBytes: OnBytes): Promise<JobSource> {
  const found = await stat(path).catch(() => null);
  if (found === null) {
    throw new JobctlError("file_not_found", `${path} does not exist`, {
      hint: "Give a directory with a run.sh, a tar archive of one, or a script.",
    });
  }
  if (found.isDirectory()) return fromDirectory(path, onBytes);
  return (await isArchive(path))
    ? fromArchive(path, found.size, onBytes)
    : fromScript(path, onBytes);
}

async function fromDirectory(path: string, onBytes: OnBytes): Promise<JobSource> {
  const entries = await listDirectory(path);
  if (!entries.some((entry) => entry.path === RUN_SCRIPT && entry.type === "file")) {
    throw new JobctlError("run_script_missing", `${path} has no ${RUN_SCRIPT}`, {
      hint: `Add a script named ${RUN_SCRIPT}: it is what the agent runs.`,
    });
  }
  return fromEntries(path, basename(resolve(path)), entries, onBytes);
}

async function fromScript(path: string, onBytes: OnBytes): Promise<JobSource> {
  // A link to a script is followed here, once: what is packed is opened without following any.
  const real = await realpath(path);
  const directory = dirname(real);
  const original = basename(real);
  const stats = await stat(real);
  const script: PackEntry = {
    path: RUN_SCRIPT,
    type: "file",
    sizeBytes: stats.size,
    mode: stats.mode & 0o777,
    linkTarget: null,
    modifiedAt: stats.mtime,
  };
  return fromEntries(
    directory,
    basename(path).replace(/\.[^.]+$/, "") || basename(path),
    [script],
    onBytes,
    original,
  );
}

async function fromEntries(
  root: string,
  name: string,
  entries: readonly PackEntry[],
  onBytes: OnBytes,
  scriptFile?: string,
): Promise<JobSource> {
  const openArchive = () =>
    pack(root, entries, scriptFile === undefined ? undefined : () => join(root, scriptFile));
  return {
    name,
    sizeBytes: packedSize(entries),
    sha256: await digest(openArchive(), onBytes),
    entries,
    scripts: { run: join(root, scriptFile ?? RUN_SCRIPT), directory: root },
    open: openArchive,
  };
}

async function fromArchive(path: string, sizeBytes: number, onBytes: OnBytes): Promise<JobSource> {
  const openArchive = () =>
    createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>;
  return {
    name: basename(path).replace(/\.(tar|tgz|tar\.gz)$/i, ""),
    sizeBytes,
    sha256: await digest(openArchive(), onBytes),
    entries: null,
    scripts: null,
    open: openArchive,
  };
}

async function digest(archive: AsyncIterable<Buffer>, onBytes: OnBytes): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of archive) {
    hash.update(chunk);
    onBytes(chunk.length);
  }
  return hash.digest("hex");
}

async function isArchive(path: string): Promise<boolean> {
  if (/\.(tar|tgz|tar\.gz)$/i.test(path)) return true;
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(262), 0, 262, 0);
    return (
      (buffer[0] === 0x1f && buffer[1] === 0x8b) || buffer.toString("latin1", 257, 262) === "ustar"
    );
  } finally {
    await file.close();
  }
}

/** What of a directory belongs to the job: all but what the ignore files name, and `.git`. */
async function listDirectory(root: string): Promise<PackEntry[]> {
  const rules = await IgnoreRules.load(root);
  const found: FoundEntry[] = [];
  const kept = walk(root, {
    enter: (directory) => rules.enter(directory),
    keep: (path, isDirectory) => !rules.ignores(path, isDirectory),
  });
  for await (const entry of kept) {
    checkEntry(entry);
    found.push(entry);
  }
  return toPackEntries(found);
}

function checkEntry(entry: FoundEntry): void {
  const quoted = JSON.stringify(entry.path);
  const hint = "Remove it, or name it in .jobctlignore.";
  if (!entry.isText) {
    throw new JobctlError(
      "archive_unsafe_entry",
      `${quoted} has a name, or links to one, that is not UTF-8`,
      { hint: "Rename it, or name it in .jobctlignore.", details: { entry: entry.path } },
    );
  }
  if (entry.type === "other") {
    throw new JobctlError("archive_unsafe_entry", `${quoted} is a device, a fifo or a socket`, {
      hint,
      details: { entry: entry.path },
    });
  }
  if (entry.type === "symlink" && !symlinkStaysInside(entry.path, entry.linkTarget ?? "")) {
    throw new JobctlError(
      "archive_unsafe_entry",
      `${quoted} is a symlink to ${JSON.stringify(entry.linkTarget)}, outside of the job`,
      {
        hint: "Copy the file into the job, link to it relatively, or name the link in .jobctlignore.",
        details: { entry: entry.path },
      },
    );
  }
}
