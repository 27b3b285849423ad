import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { JobctlError } from "@jobctl/protocol";
import { z } from "zod";

/** A FIFO or a link in its place does not hold the agent up. */
const LOCK_FILE_FLAGS = constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOFOLLOW;
/** Open flag of macOS and the BSDs that takes an exclusive lock; Node.js has no name for it. */
const O_EXLOCK = 0x20;

/** Who holds a folder, as the holder has written it into the lock file. */
const holderSchema = z.object({ name: z.string(), pid: z.int(), host: z.string() });

/**
 * Makes this process the only agent of a data folder: an exclusive lock (flock) on a file in it, which the kernel
 * releases when the process ends, however it ends. The file itself stays and means nothing.
 */
export class FolderLock {
  readonly #folder: string;
  readonly #name: string;
  #descriptor: number | null = null;

  private constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /**
   * Locks a data folder, and makes it where it is missing.
   *
   * @param name of the agent, for the message that others get
   * @throws JobctlError `data_dir_locked`, or `config_invalid` when it cannot be locked
   */
  static async take(folder: string, name: string): Promise<FolderLock> {
    const lock = new FolderLock(folder, name);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await lock.keep();
    } catch (error) {
      if (error instanceof JobctlError) throw error;
      throw new JobctlError(
        "config_invalid",
        `cannot start: the data folder ${folder} cannot be locked: ${(error as Error).message}`,
        {
          hint: "Check that JOBCTL_AGENT_DATA_PATH can be created, that this user may write to it, and that its file system has locks (flock).",
          cause: error,
        },
      );
    }
    return lock;
  }

  /**
   * Locks the folder again when it is another one than before, or its lock file has been removed.
   *
   * @throws JobctlError `data_dir_locked`, or the file system's error
   */
  async keep(): Promise<void> {
    if (this.#descriptor !== null && (await leadsTo(this.#path, this.#descriptor))) return;
    const descriptor = await lockFile(this.#path);
    if (descriptor === null) throw await this.#inUse();
    this.release();
    this.#descriptor = descriptor;
    const holder = { name: this.#name, pid: process.pid, host: hostname() };
    // On a full volume the lock holds all the same.
    await writeFile(this.#path, `${JSON.stringify(holder)}\n`).catch(() => {});
  }

  release(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  get #path(): string {
    return join(this.#folder, "agent.lock");
  }

  async #inUse(): Promise<JobctlError> {
    const holder = await readHolder(this.#path);
    const who =
      holder === null
        ? "another agent"
        : `agent ${holder.name} (process ${holder.pid} on ${holder.host})`;
    return new JobctlError("data_dir_locked", `${who} is running on ${this.#folder}`, {
      hint: "Stop that agent first, or give this one a JOBCTL_AGENT_DATA_PATH of its own.",
      details: { dataPath: this.#folder },
    });
  }
}

async function readHolder(path: string): Promise<z.infer<typeof holderSchema> | null> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return null;
  }
}

async function leadsTo(path: string, descriptor: number): Promise<boolean> {
  const held = fstatSync(descriptor);
  try {
    const { dev, ino } = await stat(path);
    return dev === held.dev && ino === held.ino;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/**
 * Locks a file and makes it where it is missing. Open for reading, it does not keep the volume from being made
 * read-only; NFS locks only what is open for writing.
 *
 * @returns the descriptor that holds the lock; null while another process has it
 */
async function lockFile(path: string): Promise<number | null> {
  const { O_RDONLY, O_RDWR } = constants;
  try {
    return await openLocked(path, O_RDONLY);
  } catch {
    return openLocked(path, O_RDWR);
  }
}

async function openLocked(path: string, access: number): Promise<number | null> {
  if (process.platform !== "linux") return openWithLock(path, access);
  const descriptor = openSync(path, access | LOCK_FILE_FLAGS, 0o600);
  try {
    const isLocked = await lockDescriptor(descriptor);
    // The holder of a lock file that was removed meanwhile does not see this one.
    if (isLocked && (await leadsTo(path, descriptor))) return descriptor;
    closeSync(descriptor);
    return null;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function openWithLock(path: string, access: number): number | null {
  try {
    return openSync(path, access | LOCK_FILE_FLAGS | O_EXLOCK, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return null;
    throw error;
  }
}

/**
 * Locks what a descriptor leads to. Node.js has no call for that, so flock(1) gets the descriptor: the lock belongs to
 * the open file, which this process and no other keeps.
 *
 * @returns false while another process has the lock
 */
async function lockDescriptor(descriptor: number): Promise<boolean> {
  const child = spawn("flock", ["-n", "0"], {
    env: { PATH: `${process.env["PATH"] ?? ""}:/usr/bin:/bin` },
    stdio: [descriptor, "ignore", "pipe"],
  });
  const stderr = child.stderr === null ? "" : text(child.stderr);
  const [words, [exitCode]] = await Promise.all([stderr, once(child, "close")]);
  if (exitCode === 0) return true;
  if (exitCode === 1 && words === "") return false;
  throw new Error(words.trim() || "flock failed");
}
