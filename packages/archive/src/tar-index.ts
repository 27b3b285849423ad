import { JobctlError } from "@jobctl/protocol";

import { archiveInvalid } from "./archive-invalid.js";
import type { Entry, RawEntry } from "./entry.js";
import { ENTRY_TYPES, EntryRules } from "./entry-rules.js";
import { RESULT_LIMITS } from "./limits.js";
import type { RandomAccess } from "./random-access.js";
import { BLOCK, TarHeaders, padded } from "./tar-headers.js";

/** Read at once: the headers of small files that follow each other. */
const WINDOW_BYTES = 64 * 1024;

/** An entry of a plain tar file, with the place of its content. */
export interface IndexedEntry extends Entry {
  readonly modifiedAt: Date | null;
  /** Offset of the first byte of the content in the archive. */
  readonly offset: number;
}

/**
 * Applies the rules for entries to a plain tar file, as they are applied to inputs, with the reserved
 * folder allowed. The headers have to add up to the whole file: contents lie inside it, and nothing
 * follows the end mark. The content of files is not read.
 *
 * @param signal stops it between two headers
 * @throws JobctlError `archive_invalid`, or the code of the rule that is broken
 */
export async function inspectResult(file: RandomAccess, signal?: AbortSignal): Promise<void> {
  const rules = new EntryRules(RESULT_LIMITS);
  for await (const { raw } of rawEntries(file, signal)) rules.check(raw);
}

/**
 * The entries of a plain tar file that has been inspected, found by hopping from header to header: the
 * content of files is not read, so listing a large archive of few files costs next to nothing.
 *
 * @param signal stops it between two headers
 * @throws JobctlError `archive_invalid`; `archive_too_many_entries` where an inspection would
 */
export async function* indexTar(
  file: RandomAccess,
  signal?: AbortSignal,
): AsyncGenerator<IndexedEntry> {
  let entries = 0;
  for await (const { raw, modifiedAt, offset } of rawEntries(file, signal)) {
    entries += 1;
    if (entries > RESULT_LIMITS.maxEntries) {
      throw new JobctlError(
        "archive_too_many_entries",
        `the archive has more than ${RESULT_LIMITS.maxEntries} entries`,
      );
    }
    const type = ENTRY_TYPES[raw.type];
    if (type === undefined) continue;
    yield {
      path: withoutSlashes(raw.path),
      type,
      sizeBytes: type === "file" ? raw.size : 0,
      mode: raw.mode & 0o777,
      modifiedAt,
      linkTarget: type === "symlink" || type === "hardlink" ? (raw.linkpath ?? null) : null,
      offset,
    };
  }
}

/**
 * The entry of this path; for a hard link the file that holds the content. That comes before the link
 * and is no link itself, so finding it is one more step and never a chain of them.
 *
 * @throws JobctlError as `indexTar` does
 */
export async function findInTar(
  file: RandomAccess,
  path: string,
  signal?: AbortSignal,
): Promise<IndexedEntry | null> {
  const found = await firstOf(file, withoutSlashes(path), Infinity, signal);
  if (found?.type !== "hardlink") return found;
  return firstOf(file, found.linkTarget ?? "", found.offset, signal);
}

/** @param before offset of the content at which the search ends */
async function firstOf(
  file: RandomAccess,
  path: string,
  before: number,
  signal: AbortSignal | undefined,
): Promise<IndexedEntry | null> {
  for await (const entry of indexTar(file, signal)) {
    if (entry.offset >= before) return null;
    if (entry.path === path) return entry;
  }
  return null;
}

/** Without the slashes at its end; in linear time, whatever the path is. */
function withoutSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === "/") end -= 1;
  return path.slice(0, end);
}

interface FoundHeader {
  readonly raw: RawEntry;
  readonly modifiedAt: Date | null;
  readonly offset: number;
}

async function* rawEntries(
  file: RandomAccess,
  signal: AbortSignal | undefined,
): AsyncGenerator<FoundHeader> {
  const headers = new TarHeaders();
  const window = new Window(file, (await file.stat()).size);
  for (let at = 0; ;) {
    signal?.throwIfAborted();
    const found = headers.read(await window.read(at, BLOCK), 0);
    at += BLOCK;
    if (found.kind === "end") {
      if (at === window.sizeBytes) return;
      throw archiveInvalid(`${window.sizeBytes - at} bytes follow its end mark`);
    }
    if (found.kind === "extension") {
      headers.extend(await window.read(at, found.sizeBytes));
      at += padded(found.sizeBytes);
    }
    if (found.kind === "entry") {
      yield { raw: found.entry, modifiedAt: found.modifiedAt, offset: at };
      at += padded(found.entry.size);
    }
  }
}

/** A file that is read in pieces that are larger than what is asked for. */
class Window {
  readonly sizeBytes: number;
  readonly #file: RandomAccess;
  readonly #buffer = Buffer.alloc(WINDOW_BYTES);
  #start = 0;
  #end = 0;

  constructor(file: RandomAccess, sizeBytes: number) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
  }

  /** @throws JobctlError `archive_invalid` when the file ends before */
  async read(at: number, bytes: number): Promise<Buffer> {
    if (at + bytes > this.sizeBytes) throw archiveInvalid("it is cut short");
    if (bytes > WINDOW_BYTES) return this.#readExactly(Buffer.alloc(bytes), at);
    if (at < this.#start || at + bytes > this.#end) {
      const length = Math.min(WINDOW_BYTES, this.sizeBytes - at);
      await this.#readExactly(this.#buffer.subarray(0, length), at);
      this.#start = at;
      this.#end = at + length;
    }
    return this.#buffer.subarray(at - this.#start, at - this.#start + bytes);
  }

  async #readExactly(into: Buffer, at: number): Promise<Buffer> {
    for (let filled = 0; filled < into.length;) {
      const { bytesRead } = await this.#file.read(into, filled, into.length - filled, at + filled);
      if (bytesRead === 0) throw archiveInvalid("it became shorter while it was read");
      filled += bytesRead;
    }
    return into;
  }
}
