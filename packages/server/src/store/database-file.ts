import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";

import { JobctlError } from "@jobctl/protocol";

import { damagedDatabase } from "./damage.js";

const MAGIC = "SQLite format 3\0";
const HEADER_BYTES = 100;
/** Offsets in the header, from SQLite's description of its file format. */
const PAGE_SIZE_AT = 16;
const PAGE_COUNT_AT = 28;

/**
 * Watches the files of an open database. SQLite goes on with a file that has been moved, removed or
 * replaced, and what it writes there is lost.
 *
 * Invariant: the descriptor stays open for as long as SQLite has the database open. Closing any descriptor
 * of a file takes the process's locks off it.
 */
export class DatabaseFile {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #onChange: (problem: JobctlError | null) => void;
  #walInode: number | null = null;
  #largestBytes = 0;
  #problem: JobctlError | null = null;
  /** Damage that SQLite has reported; it stays until the next start. */
  #damage: JobctlError | null = null;

  /** @param onChange told when a problem begins, and when it is over */
  constructor(path: string, onChange: (problem: JobctlError | null) => void) {
    this.#path = path;
    this.#onChange = onChange;
    this.#descriptor = openSync(path, "r");
    this.check();
  }

  /** What was wrong when it was last checked. */
  get problem(): JobctlError | null {
    return this.#problem;
  }

  noteDamage(damage: JobctlError): void {
    this.#damage ??= damage;
    this.#note(this.#damage);
  }

  /** The log is another file from here on, with SQLite's knowledge. */
  forgetLog(): void {
    this.#walInode = null;
  }

  /** Some microseconds: it can be done before each write. */
  check(): JobctlError | null {
    this.#note(this.#damage ?? this.#find());
    return this.#problem;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #note(problem: JobctlError | null): void {
    const isChange = (problem === null) !== (this.#problem === null);
    this.#problem = problem;
    if (isChange) this.#onChange(problem);
  }

  /** @returns `database_unavailable` also when the files cannot be looked at */
  #find(): JobctlError | null {
    try {
      return this.#look();
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (code === "") throw error;
      return unavailable(`${this.#path} cannot be looked at (${code})`, {
        hint: "Nothing was stored. Look at the disk, its permissions and the system's log: the server goes on when it can read the file.",
        cause: error,
      });
    }
  }

  #look(): JobctlError | null {
    const named = statSync(this.#path, { throwIfNoEntry: false });
    const own = fstatSync(this.#descriptor);
    if (named === undefined) return this.#lost(this.#path, "has been moved or removed");
    if (named.ino !== own.ino || named.dev !== own.dev)
      return this.#lost(this.#path, "has been replaced by another file");
    return this.#findInContent(own.size) ?? this.#findInLog();
  }

  #findInContent(sizeBytes: number): JobctlError | null {
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(this.#descriptor, header, 0, HEADER_BYTES, 0);
    if (sizeBytes < HEADER_BYTES) return damagedDatabase(this.#path, "it has been truncated");
    if (header.toString("latin1", 0, MAGIC.length) !== MAGIC)
      return damagedDatabase(this.#path, "its header has been overwritten");
    // A vacuum makes it smaller, and says so in the header.
    if (sizeBytes < this.#largestBytes && sizeBytes < sizeIn(header))
      return damagedDatabase(this.#path, "it has been truncated");
    this.#largestBytes = sizeBytes;
    return null;
  }

  #findInLog(): JobctlError | null {
    const path = `${this.#path}-wal`;
    const found = statSync(path, { throwIfNoEntry: false });
    this.#walInode ??= found?.ino ?? null;
    if (this.#walInode === (found?.ino ?? null)) return null;
    return this.#lost(path, "has been moved, removed or replaced");
  }

  #lost(path: string, what: string): JobctlError {
    return unavailable(`${path} ${what} while the server was running`, {
      hint: "Nothing was stored. Put the file back in its place, or stop the server and restore a backup: jobctl restore BACKUP/latest --data DIR --force --take-over.",
    });
  }
}

function unavailable(why: string, facts: { hint: string; cause?: unknown }): JobctlError {
  return new JobctlError(
    "database_unavailable",
    `the server's database cannot be written: ${why}`,
    { ...facts, retryAfterSeconds: 60 },
  );
}

/** Size that the database had when its log was last written into it, in bytes. */
function sizeIn(header: Buffer): number {
  const pageSize = header.readUInt16BE(PAGE_SIZE_AT);
  return (pageSize === 1 ? 65_536 : pageSize) * header.readUInt32BE(PAGE_COUNT_AT);
}
