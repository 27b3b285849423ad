import { posix } from "node:path";

import { JobctlError, RESERVED_FOLDER, RUN_SCRIPT, type ErrorCode } from "@jobctl/protocol";

import type { Entry, EntryType, RawEntry } from "./entry.js";
import { MAX_NAME_BYTES, MAX_PATH_BYTES, type ArchiveLimits } from "./limits.js";
import { symlinkStaysInside } from "./links.js";

/** The tar library's names of the types that are allowed, and what they are here. */
export const ENTRY_TYPES: Readonly<Record<string, EntryType>> = {
  File: "file",
  OldFile: "file",
  ContiguousFile: "file",
  Directory: "directory",
  GNUDumpDir: "directory",
  SymbolicLink: "symlink",
  Link: "hardlink",
};

/** Bits that let a program run as another user or group. */
const SET_ID_BITS = 0o6000;

/** What is known of an archive once every entry has passed. */
export interface ArchiveSummary {
  /** The single top-level folder that holds run.sh, or an empty string for the top level. */
  readonly root: string;
  readonly entries: number;
  readonly extractedBytes: number;
}

/**
 * Decides, entry by entry and in the order of the archive, whether it may be unpacked. It looks at
 * headers only, so server and agent apply the same rules while an archive streams past.
 *
 * An archive that passes can be unpacked without writing outside its directory: no path leaves the
 * tree, no entry is written through a link, every link's target lies inside. Nothing is repaired
 * on the way: what is not acceptable is refused, with the entry named.
 */
export class EntryRules {
  readonly #limits: ArchiveLimits;
  readonly #seen = new Map<string, EntryType>();
  readonly #topLevel = new Set<string>();
  #extractedBytes = 0;
  /** Bytes of the paths and link targets so far. */
  #nameBytes = 0;
  /** Entries that add nothing: the archive's own root, and directories that it has had before. */
  #repeats = 0;
  #topLevelFile = false;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  /**
   * @returns the entry, normalised; null for the archive's own root (`./`)
   * @throws JobctlError `archive_unsafe_entry`, `archive_too_many_entries`, `archive_expands_too_much`
   */
  check(raw: RawEntry): Entry | null {
    const type = ENTRY_TYPES[raw.type];
    if (type === undefined) {
      throw unsafe(
        raw.path,
        `is a ${spelled(raw.type)}`,
        "Only files, directories and links can be in a job.",
      );
    }
    const path = this.#checkPath(raw.path);
    if (path === null) {
      if (type === "directory") return this.#countRepeat(raw.path);
      throw unsafe(raw.path, "has no name of its own");
    }
    if (type === "file" && (raw.mode & SET_ID_BITS) !== 0) {
      throw unsafe(raw.path, "has a set-user-id or set-group-id bit", "Remove it with chmod ug-s.");
    }
    // GNU tar writes the names in a directory as its content when it makes incremental archives.
    if (type !== "file" && raw.type !== "GNUDumpDir" && raw.size > 0) {
      throw unsafe(raw.path, `is a ${type} with ${raw.size} bytes of content`);
    }
    this.#checkAncestors(raw.path, path);
    if (this.#isRepeated(raw.path, path, type)) this.#countRepeat(raw.path);
    const linkTarget = this.#checkLink(raw, path, type);
    this.#count(raw, path, type);
    return { path, type, sizeBytes: raw.size, mode: raw.mode & 0o777, linkTarget };
  }

  /**
   * To be called after the last entry of a job's input.
   *
   * @throws JobctlError `run_script_missing`; `archive_unsafe_entry` for the reserved folder
   */
  finish(): ArchiveSummary {
    const root = this.#findRoot();
    const reserved = root === "" ? RESERVED_FOLDER : `${root}/${RESERVED_FOLDER}`;
    const taken = [...this.#seen.keys()].find(
      (path) => path === reserved || path.startsWith(`${reserved}/`),
    );
    if (taken !== undefined) {
      throw unsafe(
        taken,
        `uses the name ${RESERVED_FOLDER}, which jobctl keeps for itself`,
        "Leave this folder out; jobctl submit does so by itself.",
      );
    }
    return {
      root,
      entries: this.#seen.size,
      extractedBytes: this.#extractedBytes,
    };
  }

  #checkPath(written: string): string | null {
    if (written.includes("\0")) throw unsafe(written, "has a NUL character in its name");
    // What a decoder puts in the place of bytes that are not UTF-8.
    if (written.includes("\uFFFD")) {
      throw unsafe(
        written,
        "has a name that is not valid UTF-8",
        "Rename it before it is packed, for instance with convmv -f latin1 -t utf8.",
      );
    }
    if (Buffer.byteLength(written) > MAX_PATH_BYTES) {
      throw unsafe(written, `has a path of more than ${MAX_PATH_BYTES} bytes`);
    }
    if (written.includes("\\") && written.split("\\").includes("..")) {
      throw unsafe(written, 'has a ".." segment behind a backslash');
    }
    if (written.startsWith("/") || /^[A-Za-z]:[\\/]/.test(written)) {
      throw unsafe(
        written,
        "has an absolute path",
        "Pack with relative paths, for instance tar -C DIR -cf job.tar .",
      );
    }
    const segments = written.split("/").filter((segment) => segment !== "" && segment !== ".");
    if (segments.includes("..")) throw unsafe(written, 'has a ".." segment in its path');
    if (segments.some((segment) => Buffer.byteLength(segment) > 255)) {
      throw unsafe(written, "has a name of more than 255 bytes");
    }
    return segments.length === 0 ? null : segments.join("/");
  }

  #checkAncestors(written: string, path: string): void {
    for (let dir = posix.dirname(path); dir !== "."; dir = posix.dirname(dir)) {
      const type = this.#seen.get(dir);
      if (type === "directory") return;
      if (type !== undefined) {
        throw unsafe(written, `lies below ${quoted(dir)}, which is a ${type} in the same archive`);
      }
      this.#remember(written, dir, "directory");
    }
  }

  /** Whether it is a directory that has come before; nothing else may come twice. */
  #isRepeated(written: string, path: string, type: EntryType): boolean {
    const earlier = this.#seen.get(path);
    if (earlier === undefined) return false;
    if (earlier === "directory" && type === "directory") return true;
    throw unsafe(written, `is in the archive twice, first as a ${earlier}`);
  }

  #checkLink(raw: RawEntry, path: string, type: EntryType): string | null {
    if (type !== "symlink" && type !== "hardlink") return null;
    const target = raw.linkpath ?? "";
    if (target === "" || target.includes("\0"))
      throw unsafe(raw.path, "is a link without a usable target");
    if (target.includes("\uFFFD")) {
      throw unsafe(
        raw.path,
        `is a ${type} whose target is not valid UTF-8`,
        "Rename the target before it is packed.",
      );
    }
    if (Buffer.byteLength(target) > MAX_PATH_BYTES) {
      throw unsafe(raw.path, `is a ${type} to a path of more than ${MAX_PATH_BYTES} bytes`);
    }
    this.#countName(raw.path, target);
    if (target.startsWith("/")) {
      throw unsafe(
        raw.path,
        `is a ${type} to the absolute path ${quoted(target)}`,
        "Use a relative link that stays inside the job.",
      );
    }
    if (type === "symlink") {
      if (symlinkStaysInside(path, target)) return target;
      throw unsafe(
        raw.path,
        `is a symlink to ${quoted(target)}, which leads out of the archive`,
        "Use a relative link that stays inside the job.",
      );
    }
    const resolved = posix.normalize(target);
    // Not to another link: every writer of archives names the file itself, and no chain has to be followed.
    if (this.#seen.get(resolved) !== "file") {
      throw unsafe(
        raw.path,
        `is a hard link to ${quoted(target)}, which is not an earlier file of the archive`,
      );
    }
    return resolved;
  }

  #count(raw: RawEntry, path: string, type: EntryType): void {
    this.#remember(raw.path, path, type);
    this.#extractedBytes += raw.size;
    if (this.#extractedBytes > this.#limits.maxExtractedBytes) {
      throw refused(
        "archive_expands_too_much",
        `the files up to ${quoted(raw.path)} add up to ${this.#extractedBytes} bytes, the limit is ${this.#limits.maxExtractedBytes} bytes`,
        "Leave out what the job does not read, or ask the operator to raise JOBCTL_MAX_EXTRACTED_BYTES.",
        {
          entry: shortened(raw.path),
          sizeBytes: this.#extractedBytes,
          limitBytes: this.#limits.maxExtractedBytes,
        },
      );
    }
    this.#rememberTopLevel(path, type);
  }

  #remember(written: string, path: string, type: EntryType): void {
    if (!this.#seen.has(path)) this.#countName(written, path);
    this.#seen.set(path, type);
    this.#checkCount(this.#seen.size, written);
  }

  /** Without this, an archive of one directory written again and again would never end. */
  #countRepeat(written: string): null {
    this.#repeats += 1;
    this.#checkCount(this.#repeats, written);
    return null;
  }

  #checkCount(count: number, written: string): void {
    const limit = this.#limits.maxEntries;
    if (count <= limit) return;
    throw refused(
      "archive_too_many_entries",
      `the archive has more than ${limit} entries; entry ${quoted(written)} is one too many`,
      "Pack many small files into one archive inside the job and unpack it in run.sh.",
      { entry: shortened(written), limit },
    );
  }

  #countName(written: string, name: string): void {
    this.#nameBytes += Buffer.byteLength(name);
    const limitBytes = this.#limits.maxNameBytes ?? MAX_NAME_BYTES;
    if (this.#nameBytes <= limitBytes) return;
    throw refused(
      "archive_too_many_entries",
      `the names up to ${quoted(written)} add up to more than ${limitBytes} bytes`,
      "Pack many small files into one archive inside the job and unpack it in run.sh.",
      { entry: shortened(written), limitBytes },
    );
  }

  #rememberTopLevel(path: string, type: EntryType): void {
    const [first = "", second] = path.split("/", 2);
    this.#topLevel.add(first);
    if (second === undefined && type !== "directory") this.#topLevelFile = true;
  }

  /** A hard link is a file too, under its second name. */
  #isFile(path: string): boolean {
    const type = this.#seen.get(path);
    return type === "file" || type === "hardlink";
  }

  #findRoot(): string {
    if (this.#isFile(RUN_SCRIPT)) return "";
    const [only = ""] = this.#topLevel;
    if (this.#topLevel.size === 1 && !this.#topLevelFile) {
      if (this.#isFile(`${only}/${RUN_SCRIPT}`)) return only;
    }
    const elsewhere = [...this.#seen.keys()].find((path) => posix.basename(path) === RUN_SCRIPT);
    throw refused(
      "run_script_missing",
      this.#seen.size === 0
        ? "the archive is empty: a job needs a run.sh"
        : "the archive has no run.sh at its top level, nor in a single top-level folder",
      elsewhere === undefined
        ? "Add a script named run.sh: it is what the agent runs."
        : `There is ${quoted(elsewhere)}: pack the directory that holds it.`,
      { found: elsewhere ?? null },
    );
  }
}

function unsafe(path: string, problem: string, hint?: string): JobctlError {
  return refused("archive_unsafe_entry", `entry ${quoted(path)} ${problem}`, hint, {
    entry: shortened(path),
  });
}

function refused(
  code: ErrorCode,
  message: string,
  hint: string | undefined,
  details: Record<string, unknown>,
): JobctlError {
  return new JobctlError(code, message, { hint, details });
}

function quoted(path: string): string {
  return JSON.stringify(shortened(path));
}

/** Cuts a name for a message: archive names can have any length. */
function shortened(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}

/** `CharacterDevice` as `character device`. */
function spelled(type: string): string {
  return type === "FIFO" ? "fifo" : type.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
}
