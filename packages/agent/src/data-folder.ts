import { constants } from "node:fs";
import { access, mkdir, stat } from "node:fs/promises";

import type { Logger } from "@jobctl/daemon";

import type { FolderLock } from "./folder-lock.js";
import type { Identity } from "./identity.js";

/** How often it is looked whether an unusable folder can be used again. */
const LOOK_AGAIN_MS = 1000;

export interface DataFolderSettings {
  readonly path: string;
  /** The folder in it that holds the attempts. */
  readonly attempts: string;
  readonly trash: string;
  /** Keeps other agents off it. */
  readonly lock: FolderLock;
  /** Tells the folder from any other, and is stored again in one that had to be made anew. */
  readonly identity: Identity;
  /** Called when it cannot be used any more, and when it can be again. */
  readonly onChange: () => void;
  /** Called when it may hold other attempts than before. */
  readonly onReplaced: () => Promise<void>;
  readonly logger: Logger;
}

/**
 * Whether the agent's data folder can be used. It may be removed, be replaced, or lose its volume while
 * the agent runs: then nothing new is taken, and it is looked at again and again until it is back. An empty
 * one on the same volume will do; in place of a volume that is gone nothing is written.
 */
export class DataFolder {
  readonly #settings: DataFolderSettings;
  /** Identity of the file system, and of the folder of attempts, as they were when it was last used. */
  #device: number | null = null;
  #inode: number | null = null;
  #problem: string | null = null;
  #lostAtMs: number | null = null;
  readonly #loggedCodes = new Set<string>();
  #failures = 0;
  #looking: Promise<boolean> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: DataFolderSettings) {
    this.#settings = settings;
  }

  /** What is wrong with it; null while it can be used. */
  get problem(): string | null {
    return this.#problem;
  }

  /** For how long it has been unusable. */
  get unusableMs(): number {
    return this.#lostAtMs === null ? 0 : performance.now() - this.#lostAtMs;
  }

  /** Looks at it. @returns whether it can be used */
  check(): Promise<boolean> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(): Promise<boolean> {
    try {
      const wasReplaced = await this.#probe();
      if (wasReplaced) await this.#settings.onReplaced();
      this.#noteUsable();
      return true;
    } catch (error) {
      this.#noteProblem(error as NodeJS.ErrnoException);
      return false;
    }
  }

  /** @returns whether it, or a folder in it, is another one than before */
  async #probe(): Promise<boolean> {
    const { path, attempts, trash, lock, identity } = this.#settings;
    const device = await deviceOf(path);
    const isAnotherVolume = this.#device !== null && device !== this.#device;
    if (isAnotherVolume && !identity.isStored()) throw notMounted(path);
    await checkAccess(path);
    await lock.keep();
    const wasMade = await makeUnlessThere(attempts);
    await checkAccess(attempts);
    if (await makeUnlessThere(trash)) await checkAccess(trash);
    if (!identity.isCurrent()) await identity.store();
    const { ino } = await stat(attempts);
    const isFirst = this.#inode === null;
    const isSame = !isAnotherVolume && !wasMade && ino === this.#inode;
    this.#device = device;
    this.#inode = ino;
    return !isFirst && (!isSame || this.#problem !== null);
  }

  #noteUsable(): void {
    clearTimeout(this.#timer);
    if (this.#problem === null) return;
    const { logger, path, onChange } = this.#settings;
    const unusableSeconds = Math.round(this.unusableMs / 1000);
    logger.info({ event: "data_folder_usable", path, unusableSeconds, failures: this.#failures });
    this.#problem = null;
    this.#lostAtMs = null;
    this.#failures = 0;
    this.#loggedCodes.clear();
    onChange();
  }

  #noteProblem(error: NodeJS.ErrnoException): void {
    const { logger, path, onChange } = this.#settings;
    const isNew = this.#problem === null;
    this.#problem = `the data folder ${path} cannot be used: ${error.message}`;
    this.#lostAtMs ??= performance.now();
    this.#failures += 1;
    const code = error.code ?? error.message;
    if (!this.#loggedCodes.has(code)) {
      this.#loggedCodes.add(code);
      logger.error({ event: "data_folder_unusable", path, err: error }, this.#problem);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.check(), LOOK_AGAIN_MS).unref();
    if (isNew) onChange();
  }
}

/** The file system on which a folder lies. */
async function deviceOf(path: string): Promise<number> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? notThere(path) : error;
  });
  if (!found.isDirectory()) throw notADirectory(path);
  return found.dev;
}

/** @returns whether it was not there */
async function makeUnlessThere(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if (!(await stat(folder)).isDirectory()) throw notADirectory(folder);
    return false;
  }
}

function checkAccess(folder: string): Promise<void> {
  return access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
}

function notThere(path: string): Error {
  const message = `${path} is not there: bring it back, or make an empty one to begin anew`;
  return Object.assign(new Error(message), { code: "ENOENT" });
}

function notADirectory(path: string): Error {
  return Object.assign(new Error(`${path} is not a directory`), { code: "ENOTDIR" });
}

function notMounted(path: string): Error {
  const message = `its volume is not mounted on ${path}: mount it, or start the agent again to begin anew there`;
  return Object.assign(new Error(message), { code: "ENODEV" });
}
