import { constants } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { basename, join } from "node:path";

import { JobctlError } from "@jobctl/protocol/error";
import { RESERVED_FOLDER } from "@jobctl/protocol/reserved";

import { MAX_IGNORE_LINES, compileIgnoreFile, type IgnoreFile } from "./ignore-file.js";

const OWN_FILE = ".jobctlignore";
const GIT_FILE = ".gitignore";

/** Longest ignore file. Collections for many languages have some 20 KB. */
const MAX_FILE_BYTES = 128 * 1024;

/** Most bytes in all ignore files of a directory tree. */
const MAX_TOTAL_BYTES = 4 * 1024 * 1024;

/**
 * What of a directory tree is not sent: what `.jobctlignore` at its top names. Without that file,
 * each `.gitignore` applies to what lies below its own directory, as in git.
 */
export class IgnoreRules {
  readonly #root: string;
  readonly #fileName: string;
  readonly #byDirectory = new Map<string, IgnoreFile>();
  #totalBytes = 0;

  private constructor(root: string, fileName: string) {
    this.#root = root;
    this.#fileName = fileName;
  }

  static async load(root: string): Promise<IgnoreRules> {
    const own = await stat(join(root, OWN_FILE)).catch(() => null);
    return new IgnoreRules(root, own === null ? GIT_FILE : OWN_FILE);
  }

  /**
   * Reads the ignore file of a directory, if it has one. Called for each directory before its
   * entries, parents first.
   *
   * @throws JobctlError `config_invalid` for a file that is too large, too long or not a file
   */
  async enter(directory: string): Promise<void> {
    if (this.#fileName === OWN_FILE && directory !== "") return;
    const path = join(this.#root, directory, this.#fileName);
    const text = await readSmallFile(path);
    if (text === null) return;
    this.#totalBytes += Buffer.byteLength(text);
    if (this.#totalBytes > MAX_TOTAL_BYTES) {
      throw invalid(
        path,
        `the ${this.#fileName} files of the job have more than ${MAX_TOTAL_BYTES} bytes`,
      );
    }
    if (text.split("\n", MAX_IGNORE_LINES + 2).length > MAX_IGNORE_LINES + 1) {
      throw invalid(path, `it has more than ${MAX_IGNORE_LINES} lines`);
    }
    this.#byDirectory.set(directory, compileIgnoreFile(text));
  }

  /** Whether an entry is left out. What is in a directory that is left out is not asked about. */
  ignores(path: string, isDirectory: boolean): boolean {
    if (basename(path) === ".git" || path === RESERVED_FOLDER) return true;
    // The nearest file that names it decides.
    for (let end = path.lastIndexOf("/"); ; end = path.lastIndexOf("/", end - 1)) {
      const directory = end <= 0 ? "" : path.slice(0, end);
      const below = directory === "" ? path : path.slice(end + 1);
      const verdict = this.#byDirectory.get(directory)?.verdict(below, isDirectory) ?? null;
      if (verdict !== null) return verdict === "ignored";
      if (directory === "") return false;
    }
  }
}

/** Null where there is no such file, or a directory in its place. */
async function readSmallFile(path: string): Promise<string | null> {
  let file: FileHandle;
  try {
    // A FIFO without a writer would otherwise never open.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    const found = await file.stat();
    if (found.isDirectory()) return null;
    if (!found.isFile()) throw invalid(path, "it is not a file");
    const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
      length += bytesRead;
      if (length > MAX_FILE_BYTES) throw invalid(path, `it has more than ${MAX_FILE_BYTES} bytes`);
      if (bytesRead === 0) return buffer.toString("utf8", 0, length);
    }
  } finally {
    await file.close();
  }
}

function invalid(path: string, problem: string): JobctlError {
  return new JobctlError("config_invalid", `${path} cannot be used: ${problem}`, {
    hint: "Shorten it, or write a .jobctlignore with what this job leaves out.",
    details: { path },
  });
}
