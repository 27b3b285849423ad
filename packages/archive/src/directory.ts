import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  type BigIntStats,
} from "node:fs";
import { opendir } from "node:fs/promises";
import { sep } from "node:path";

import type { EntryType } from "./entry.js";
import { openRegularFile } from "./open-regular-file.js";

/** What the file system says of one name. Links are not followed. */
export interface EntryStats {
  /** `other` is a device, a FIFO or a socket. */
  readonly type: Exclude<EntryType, "hardlink"> | "other";
  readonly sizeBytes: number;
  /** What it takes on the disk; of a sparse file less than its size. */
  readonly allocatedBytes: number;
  /** Permission bits. */
  readonly mode: number;
  readonly modifiedAt: Date;
  /** How many names the file has. */
  readonly links: number;
  /** The same for two names of one file. */
  readonly identity: string;
}

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
/** Linux, `asm-generic/fcntl.h`: a descriptor that only names a file. Node.js does not export it. */
const O_PATH = 0o10000000;
const IS_LINUX = process.platform === "linux";
const NAMES_AT_ONCE = 512;
const PARENT = Buffer.from("..");

/**
 * A directory that is held open. What lies in it is reached through the descriptor, one name at a
 * time, and no link is followed, so that a job that swaps files and directories for links while
 * they are read cannot lead the reader out of its tree. Opening never blocks, whatever the name has
 * become meanwhile. Names are bytes.
 *
 * Linux reaches a name below a descriptor as `/proc/self/fd/N/name`. Elsewhere paths are used,
 * which a hostile process of the same user could swap; no executor isolates jobs there anyway.
 *
 * Every method throws the system's own error. The calls are synchronous: each is a few microseconds
 * of kernel time, a tenth of what a round trip through the thread pool costs.
 */
export class Directory {
  readonly identity: string;
  readonly #descriptor: number;
  readonly #prefix: Buffer;

  private constructor(descriptor: number, path: Buffer) {
    this.#descriptor = descriptor;
    this.#prefix = IS_LINUX
      ? Buffer.from(`/proc/self/fd/${descriptor}/`)
      : Buffer.concat([path, Buffer.from(sep)]);
    this.identity = identityOf(fstatSync(descriptor, { bigint: true }));
  }

  /** @param path is trusted: links in it are followed */
  static open(path: string): Directory {
    return new Directory(openSync(path, O_RDONLY | O_DIRECTORY), Buffer.from(path));
  }

  /** The names in it, in no order, without `.` and `..`. */
  async *names(): AsyncGenerator<Buffer> {
    // The type of Node.js does not know that names can be had as bytes.
    const encoding = "buffer" as BufferEncoding;
    const entries = await opendir(this.#prefix, { encoding, bufferSize: NAMES_AT_ONCE });
    for await (const { name } of entries) yield name as unknown as Buffer;
  }

  stat(name: Buffer): EntryStats {
    return describe(lstatSync(this.#pathOf(name), { bigint: true }));
  }

  readLink(name: Buffer): Buffer {
    return readlinkSync(this.#pathOf(name), "buffer");
  }

  /**
   * Opens a regular file for reading; the caller closes the descriptor.
   *
   * @throws `ELOOP` for a link, `EINVAL` for anything else that is not a regular file
   */
  openFile(name: Buffer): number {
    return openRegularFile(this.#pathOf(name));
  }

  openDirectory(name: Buffer): Directory {
    const path = this.#pathOf(name);
    return new Directory(openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), path);
  }

  /** What holds it now, which is another directory than before when a job has moved it. */
  openParent(): Directory {
    return this.openDirectory(PARENT);
  }

  /** Changes the permission bits of a file or a directory; leaves everything else as it is. */
  changeMode(name: Buffer, mode: number): void {
    if (!IS_LINUX) return chmodSync(this.#pathOf(name), mode);
    // A descriptor of this kind needs no permission, and a link swapped in is only ever named by it.
    const descriptor = openSync(this.#pathOf(name), O_PATH | O_NOFOLLOW);
    try {
      const stat = fstatSync(descriptor);
      if (stat.isFile() || stat.isDirectory()) chmodSync(`/proc/self/fd/${descriptor}`, mode);
    } finally {
      closeSync(descriptor);
    }
  }

  unlink(name: Buffer): void {
    unlinkSync(this.#pathOf(name));
  }

  removeDirectory(name: Buffer): void {
    rmdirSync(this.#pathOf(name));
  }

  moveTo(name: Buffer, target: Directory, newName: Buffer): void {
    renameSync(this.#pathOf(name), target.#pathOf(newName));
  }

  /** Changes its own permission bits. */
  setMode(mode: number): void {
    fchmodSync(this.#descriptor, mode);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #pathOf(name: Buffer): Buffer {
    return Buffer.concat([this.#prefix, name]);
  }
}

/** Describes what a descriptor refers to. */
export function describeDescriptor(descriptor: number): EntryStats {
  return describe(fstatSync(descriptor, { bigint: true }));
}

function describe(stat: BigIntStats): EntryStats {
  const type = stat.isFile()
    ? "file"
    : stat.isDirectory()
      ? "directory"
      : stat.isSymbolicLink()
        ? "symlink"
        : "other";
  return {
    type,
    sizeBytes: type === "file" ? Number(stat.size) : 0,
    allocatedBytes: Number(stat.blocks) * 512,
    mode: Number(stat.mode) & 0o777,
    modifiedAt: stat.mtime,
    links: Number(stat.nlink),
    identity: identityOf(stat),
  };
}

function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}
