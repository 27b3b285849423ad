import { constants } from "node:fs";
import { access, mkdir, readFile, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

import { wallClock } from "@jobctl/daemon/clock";
import { syncDirectory } from "@jobctl/daemon/files";
import { JobctlError, toJobctlError } from "@jobctl/protocol/error";

import { runCheckData } from "./check-data.js";
import { giveTree, ownerFor, withOwnDirectory, type Owner } from "./ownership.js";
import { isAlive } from "./repository.js";

const DATABASE_FILES: readonly string[] = ["jobctl.db", "jobctl.db-wal", "jobctl.db-shm"];
const NOTE = "installation.json";
/** In a mount point: what was set aside there before, and what some file systems have in their root. */
const NOT_DATA = /^(before-\d+|lost\+found)$/;

/** A rename, from and to. */
type Move = readonly [from: string, to: string];

/**
 * Where a data directory is restored to. It is written to a directory beside it and takes its place in one
 * step. Where that cannot be, because it is a mount point or its parent belongs to others, it is written to a
 * directory inside it, and its entries are moved up, the database last: a server that is started in between
 * refuses what is there.
 */
export class Destination {
  readonly path: string;
  /** Whether there is something in it that has to be set aside. */
  readonly isFilled: boolean;
  /** Where the data are to be written; nothing is there yet. */
  readonly stage: string;
  readonly #isInside: boolean;
  readonly #identity: string;
  readonly #owner: Owner | null;

  private constructor(path: string, names: readonly string[], found: Found) {
    this.path = path;
    this.isFilled = names.length > 0;
    this.#isInside = found.isInside;
    this.#identity = found.identity;
    this.#owner = found.owner;
    const prefix = found.isInside ? `${path}/` : `${path}.`;
    this.stage = `${prefix}${STAGE_PREFIX}${process.pid}`;
  }

  static async find(path: string): Promise<Destination> {
    const isInside = await mustStayInPlace(path);
    const names = await dataIn(path, isInside);
    const identity = await identityOf(path);
    return new Destination(path, names, { isInside, identity, owner: await ownerFor(path) });
  }

  /** Writes the data to the stage and puts them in place; when it throws, nothing of them is left. */
  async fill<T>(
    write: () => Promise<T>,
  ): Promise<{ readonly written: T; readonly setAside: string | null }> {
    const work = async () => {
      await this.#removeAbandoned();
      try {
        await mkdir(this.stage, { recursive: true, mode: 0o700 });
        const written = await write();
        await giveTree(this.stage, this.#owner);
        return { written, setAside: await this.#replace() };
      } finally {
        await rm(this.stage, { recursive: true, force: true });
      }
    };
    return this.#isInside ? withOwnDirectory(this.path, this.#owner, work) : work();
  }

  /** @returns where the old data are */
  async #replace(): Promise<string | null> {
    // A server may have been started meanwhile.
    if (this.isFilled) await runCheckData("free", this.path);
    if ((await identityOf(this.path)) !== this.#identity) throw this.#overtaken();
    const setAside = this.isFilled ? await this.#newPlaceForOld() : null;
    const moves = this.#isInside ? await this.#movesInside(setAside) : this.#movesBeside(setAside);
    const done: Move[] = [];
    try {
      for (const [from, to] of moves) {
        await rename(from, to);
        done.push([from, to]);
      }
    } catch (error) {
      const thrown = isObstacle(error) ? this.#overtaken() : error;
      await undo(done, setAside, thrown);
      if (this.#isInside && setAside !== null) await rm(setAside, { recursive: true });
      throw thrown;
    }
    if (this.#isInside) {
      await giveTree(setAside, this.#owner, "top");
      syncDirectory(this.path);
    }
    syncDirectory(dirname(this.path));
    return setAside;
  }

  async #newPlaceForOld(): Promise<string> {
    const name = `before-${wallClock()}`;
    if (!this.#isInside) return `${this.path}.${name}`;
    await mkdir(join(this.path, name), { mode: 0o700 });
    return join(this.path, name);
  }

  /** The last one over an empty directory at most. */
  #movesBeside(setAside: string | null): Move[] {
    const into: Move = [this.stage, this.path];
    return setAside === null ? [into] : [[this.path, setAside], into];
  }

  /** In an order in which a note or blobs without a database are there at any time: that is no new server's. */
  async #movesInside(setAside: string | null): Promise<Move[]> {
    const written = await readdir(this.stage);
    const up = (names: readonly string[]): Move[] =>
      written
        .filter((name) => names.includes(name))
        .map((name) => [join(this.stage, name), join(this.path, name)]);
    const rest = written.filter((name) => !["blobs", NOTE, ...DATABASE_FILES].includes(name));
    // Blobs first: they are refused where another restore has put its own.
    if (setAside === null)
      return [...up(["blobs"]), ...up(rest), ...up([NOTE]), ...up(DATABASE_FILES)];
    const old = await dataIn(this.path, true);
    const away = (names: readonly string[]): Move[] =>
      names
        .filter((name) => old.includes(name))
        .map((name) => [join(this.path, name), join(setAside, name)]);
    const others = old.filter((name) => ![...DATABASE_FILES, NOTE, "blobs"].includes(name));
    return [
      ...away(DATABASE_FILES),
      ...away(others),
      ...away([NOTE]),
      ...up([NOTE]),
      ...away(["blobs"]),
      ...up(["blobs"]),
      ...up(rest),
      ...up(DATABASE_FILES),
    ];
  }

  /** Removes what restores on this machine have left that were killed. */
  async #removeAbandoned(): Promise<void> {
    const stages = basename(this.stage).slice(0, -String(process.pid).length);
    const directory = dirname(this.stage);
    const names = await readdir(directory).catch(() => []);
    for (const name of names) {
      if (!name.startsWith(stages)) continue;
      const pid = Number(name.slice(stages.length));
      if (pid !== process.pid && isAlive(pid)) continue;
      await rm(join(directory, name), { recursive: true, force: true });
    }
  }

  #overtaken(): JobctlError {
    return new JobctlError(
      "file_exists",
      `somebody else has put data into ${this.path} meanwhile`,
      {
        hint: "Another restore or a server was faster. Nothing of this restore is left; look at what is there.",
      },
    );
  }
}

interface Found {
  readonly isInside: boolean;
  readonly identity: string;
  readonly owner: Owner | null;
}

/** Of restores on this machine; several may be under way. */
const STAGE_PREFIX = `restoring-${hostname()}-`;

/** Whether a directory cannot be replaced as a whole. */
async function mustStayInPlace(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (found === null) return false;
  const parent = dirname(path);
  if ((await stat(parent)).dev !== found.dev || (await isMountPoint(path))) return true;
  return access(parent, constants.W_OK).then(
    () => false,
    () => true,
  );
}

/** A directory that is mounted from the same file system is told by Linux's list alone. */
async function isMountPoint(path: string): Promise<boolean> {
  const list = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  const real = await realpath(path);
  const escaped = real.replace(
    /[ \t\n\\]/g,
    (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  return list.split("\n").some((line) => line.split(" ")[4] === escaped);
}

/** What is in a directory and is not left from an earlier restore, or of another one that is under way. */
async function dataIn(path: string, isInside: boolean): Promise<string[]> {
  const names = await readdir(path).catch(() => []);
  if (!isInside) return names;
  return names.filter((name) => !NOT_DATA.test(name) && !name.startsWith("restoring-"));
}

/** Tells a directory and the database in it from others. */
async function identityOf(path: string): Promise<string> {
  const found = await Promise.all(
    [path, join(path, "jobctl.db")].map((name) => stat(name).catch(() => null)),
  );
  return found.map((one) => one?.ino ?? "-").join(" ");
}

/** What a rename says where something is in the way, or has been taken away. */
function isObstacle(error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return ["ENOTEMPTY", "EEXIST", "ENOENT"].includes(code);
}

/**
 * Moves everything back, where its place is free.
 *
 * @throws an error that says where the old data are
 */
async function undo(
  done: readonly Move[],
  setAside: string | null,
  thrown: unknown,
): Promise<void> {
  try {
    for (const [from, to] of done.toReversed()) await rename(to, from);
  } catch {
    const { code, message, hint } = toJobctlError(thrown);
    const where = setAside === null ? "" : `; what was there before lies in ${setAside}`;
    throw new JobctlError(code, `${message}${where}`, {
      hint: hint ?? "Move it back to its place, and restore again.",
      cause: thrown,
    });
  }
}
