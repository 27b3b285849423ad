import { Header } from "tar";

import { archiveInvalid } from "./archive-invalid.js";
import type { RawEntry } from "./entry.js";
import { MAX_PATH_BYTES } from "./limits.js";
import { readPaxRecords, type ExtendedFields } from "./pax-records.js";

/** Unit of a tar archive, in bytes: headers and contents are padded to it. */
export const BLOCK = 512;

/** Room for a path, a link target and a few extended attributes, which Linux limits to 64 KiB each. */
const MAX_EXTENSION_BYTES = 128 * 1024;
/** A file needs a long name, a long link target and a pax header at most. */
const MAX_EXTENSIONS_IN_A_ROW = 8;
/** Of a whole archive: more than the largest result with long names takes. */
const MAX_EXTENSIONS_BYTES = 1024 ** 3;

/** Headers that say something about the one that follows, or about all that follow. */
const EXTENSION_TYPES: ReadonlySet<string> = new Set([
  "ExtendedHeader",
  "OldExtendedHeader",
  "GlobalExtendedHeader",
  "NextFileHasLongPath",
  "OldGnuLongPath",
  "NextFileHasLongLinkpath",
]);

/** Beginnings of files that are compressed or archived in other ways than gzip. */
const OTHER_FORMATS: readonly [Buffer, string][] = [
  [Buffer.from([0x1f, 0x8b]), "it is compressed with gzip twice"],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), "it is compressed with zstd"],
  [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]), "it is compressed with xz"],
  [Buffer.from("BZh"), "it is compressed with bzip2"],
  [Buffer.from("PK\u0003\u0004"), "it is a zip archive"],
];

/** What a block is where a header is expected. */
export type HeaderBlock =
  | { readonly kind: "zeros" }
  /** The second block of zeros in a row: nothing after it belongs to the archive. */
  | { readonly kind: "end" }
  /** Its body is for `extend`. */
  | { readonly kind: "extension"; readonly sizeBytes: number }
  | { readonly kind: "entry"; readonly entry: RawEntry; readonly modifiedAt: Date | null };

/**
 * Reads the headers of a tar archive one after the other. The caller locates the blocks, in a stream
 * or a file, so that all readers decode headers alike.
 *
 * Extended headers are bounded in their size, in how many follow each other and in their sum.
 */
export class TarHeaders {
  #isFirst = true;
  #isAfterZeros = false;
  #fields: ExtendedFields = {};
  #extensionType: string | null = null;
  #extensionsInARow = 0;
  #extensionsBytes = 0;

  /** @throws JobctlError `archive_invalid` when the block at this offset is not a header */
  read(buffer: Buffer, at: number): HeaderBlock {
    const header = this.#decode(buffer, at);
    this.#isFirst = false;
    if (header.nullBlock) {
      if (this.#extensionsInARow > 0) throw archiveInvalid("it is cut short after a header");
      const kind = this.#isAfterZeros ? "end" : "zeros";
      this.#isAfterZeros = true;
      return { kind };
    }
    this.#isAfterZeros = false;
    if (EXTENSION_TYPES.has(header.type)) return this.#beginExtension(header);
    const entry = this.#describe(header);
    const modifiedAt = validTime(this.#fields.mtime ?? header.mtime);
    this.#fields = {};
    this.#extensionsInARow = 0;
    return { kind: "entry", entry, modifiedAt };
  }

  /**
   * Takes the body of the extension that has just been read.
   *
   * @throws JobctlError `archive_invalid`
   */
  extend(body: Buffer): void {
    switch (this.#extensionType) {
      case "GlobalExtendedHeader": {
        // git archive puts a comment here. What changes every entry is refused: programs disagree on it.
        const { path, linkpath, size } = readPaxRecords(body);
        if (path !== undefined || linkpath !== undefined || size !== undefined)
          throw archiveInvalid("a global header sets names or sizes");
        break;
      }
      case "ExtendedHeader":
      case "OldExtendedHeader":
        this.#fields = { ...this.#fields, ...readPaxRecords(body) };
        break;
      case "NextFileHasLongLinkpath":
        this.#fields = { ...this.#fields, linkpath: longName(body) };
        break;
      default:
        this.#fields = { ...this.#fields, path: longName(body) };
    }
  }

  #decode(buffer: Buffer, at: number): Header {
    const { path, size } = this.#fields;
    let header: Header;
    try {
      header = new Header(buffer, at, {
        ...(path === undefined ? {} : { path }),
        ...(size === undefined ? {} : { size }),
      });
    } catch (error) {
      throw archiveInvalid(problemOf(buffer.subarray(at), this.#isFirst), error);
    }
    if (header.cksumValid || header.nullBlock) return header;
    throw archiveInvalid(problemOf(buffer.subarray(at), this.#isFirst));
  }

  #beginExtension(header: Header): HeaderBlock {
    const sizeBytes = header.size ?? 0;
    const isName = !header.type.endsWith("ExtendedHeader");
    const maxBytes = isName ? MAX_PATH_BYTES + BLOCK : MAX_EXTENSION_BYTES;
    this.#extensionType = header.type;
    this.#extensionsInARow += 1;
    this.#extensionsBytes += BLOCK + padded(sizeBytes);
    if (sizeBytes > maxBytes) {
      throw archiveInvalid(
        isName
          ? `a name has ${sizeBytes} bytes, the limit is ${MAX_PATH_BYTES} bytes`
          : `an extended header has ${sizeBytes} bytes, the limit is ${maxBytes} bytes`,
      );
    }
    if (this.#extensionsInARow > MAX_EXTENSIONS_IN_A_ROW)
      throw archiveInvalid(`more than ${MAX_EXTENSIONS_IN_A_ROW} extended headers in a row`);
    if (this.#extensionsBytes > MAX_EXTENSIONS_BYTES)
      throw archiveInvalid(`the extended headers have more than ${MAX_EXTENSIONS_BYTES} bytes`);
    return { kind: "extension", sizeBytes };
  }

  #describe(header: Header): RawEntry {
    const path = this.#fields.path ?? header.path ?? "";
    if (path === "") throw archiveInvalid("a header has no path");
    return {
      path,
      type: header.type,
      size: header.size ?? 0,
      mode: (header.mode ?? 0) & 0o7777,
      linkpath: (this.#fields.linkpath ?? header.linkpath) || undefined,
    };
  }
}

/** Null for a time that is missing, or lies outside of what a date can hold. */
function validTime(time: Date | undefined): Date | null {
  return time === undefined || Number.isNaN(time.getTime()) ? null : time;
}

/** Bytes that a content of this size takes in an archive. */
export function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK) * BLOCK;
}

/** Why these bytes, which are not a header, are not: in words for people. */
export function problemOf(bytes: Buffer, isFirst: boolean): string {
  const other = isFirst
    ? OTHER_FORMATS.find(([magic]) => magic.equals(bytes.subarray(0, magic.length)))
    : undefined;
  if (other !== undefined)
    return `${other[1]}; only a tar that is plain or compressed with gzip once can be read`;
  return "it is not a tar archive, or damaged: a header checksum is wrong";
}

/** A name as GNU tar writes one that does not fit into a header: ended by NUL characters. */
function longName(body: Buffer): string {
  const end = body.indexOf(0);
  if (end !== -1 && body.subarray(end).some((byte) => byte !== 0))
    throw archiveInvalid("a long name has a NUL character in it");
  return body.toString("utf8", 0, end === -1 ? body.length : end);
}
