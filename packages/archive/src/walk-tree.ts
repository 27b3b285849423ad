import type { Directory, EntryStats } from "./directory.js";
import { fileNameText } from "./file-name.js";
import { TimeSlice } from "./time-slice.js";

/** Something found below the root of a walk. It is to be used before the walk goes on. */
export interface TreeEntry extends EntryStats {
  readonly name: Buffer;
  /** The directory that holds it, open until the walk goes on. */
  readonly parent: Directory;
  /** Length of its path from the root in bytes, as `path` writes it. */
  readonly pathBytes: number;
  /**
   * Its path from the root, `/` between segments, names that are not UTF-8 as `fileNameText` writes
   * them. A path of more than 8,192 characters is cut, and ends in `…`.
   */
  readonly path: () => string;
}

/** How directories without the permissions that a walk needs are entered. */
export interface Access {
  /** Permission bits that the owner of a directory needs. */
  readonly directoryBits: number;
  /** Restores the bits on leaving, because the job is still running. */
  readonly restore: boolean;
}

/** What a walk visits, and how it goes on where something cannot be read. */
export interface WalkTreeOptions {
  /** Entries for which it returns false are left out; of a directory, everything in it. */
  readonly keep?: (entry: TreeEntry) => boolean;
  /** Called with a directory before its names are read, the root first. */
  readonly enter?: (path: () => string) => Promise<void>;
  /** Default: directories are entered as they are. */
  readonly access?: Access;
  /**
   * Called with what cannot be read, and why; the walk then goes on beside it. What it throws ends
   * the walk. Default: the walk ends with the error.
   */
  readonly onProblem?: (path: () => string, error: unknown) => void;
  /** Most names of one directory; more are a problem of that directory. Default: any number. */
  readonly maxNames?: number;
  /** Names in no order: sorting those of a huge directory keeps the event loop busy. Default: sorted. */
  readonly unordered?: boolean;
}

/** Levels below the root whose directories stay open, and levels above the present one. */
const OPEN_AT_TOP = 32;
const OPEN_AT_BOTTOM = 32;
const MAX_SHOWN_PATH = 8192;
/** Most times that one walk goes down by name again: each takes as many steps as the tree is deep. */
const MAX_SEARCHES = 8;

interface Level {
  directory: Directory | null;
  readonly identity: string;
  readonly name: Buffer;
  readonly nameText: string;
  readonly pathBytes: number;
  /** Permission bits that it gets back when the walk leaves it; null when it keeps what it has. */
  readonly modeAfter: number | null;
  /** What is still to be visited, in reverse. */
  readonly names: Buffer[];
}

/**
 * Everything below a directory, parents before children and names in byte order. Links are not
 * followed, trees of any depth are walked with a bounded number of descriptors, and what a job
 * changes meanwhile is a problem of the entry it has changed, not of the walk.
 *
 * @param root stays open; the caller closes it
 */
export async function* walkTree(
  root: Directory,
  options: WalkTreeOptions = {},
): AsyncGenerator<TreeEntry> {
  const walk = new TreeWalk(root, options);
  try {
    yield* walk.run();
  } finally {
    walk.close();
  }
}

class TreeWalk {
  readonly #root: Directory;
  readonly #options: WalkTreeOptions;
  readonly #levels: Level[] = [];
  readonly #slice = new TimeSlice();
  #searchesLeft = MAX_SEARCHES;

  constructor(root: Directory, options: WalkTreeOptions) {
    this.#root = root;
    this.#options = options;
  }

  async *run(): AsyncGenerator<TreeEntry> {
    const top = { name: Buffer.alloc(0), nameText: "", pathBytes: 0, modeAfter: null };
    await this.#descend(this.#root, top);
    for (let level = this.#top(); level !== undefined; level = this.#top()) {
      await this.#slice.yieldIfOver();
      const name = level.names.pop();
      if (name === undefined || level.directory === null) {
        this.#ascend();
        continue;
      }
      const entry = this.#lookAt(level, level.directory, name);
      if (entry === null || this.#options.keep?.(entry) === false) continue;
      yield entry;
      if (entry.type === "directory") await this.#enter(entry);
    }
  }

  close(): void {
    for (const level of this.#levels.splice(0).toReversed()) {
      try {
        this.#leave(level);
      } catch {
        // The permissions of a directory that is gone cannot be given back; the others are closed.
      }
    }
  }

  #top(): Level | undefined {
    return this.#levels.at(-1);
  }

  #lookAt(level: Level, parent: Directory, name: Buffer): TreeEntry | null {
    const nameText = fileNameText(name);
    const path = this.#pathBelow(this.#levels.length, nameText);
    try {
      return {
        ...parent.stat(name),
        name,
        parent,
        pathBytes: level.pathBytes + (level.pathBytes > 0 ? 1 : 0) + Buffer.byteLength(nameText),
        path,
      };
    } catch (error) {
      this.#problem(path, error);
      return null;
    }
  }

  async #enter(entry: TreeEntry): Promise<void> {
    const { access } = this.#options;
    let directory: Directory;
    let modeAfter: number | null = null;
    try {
      if (access !== undefined && (entry.mode & access.directoryBits) !== access.directoryBits) {
        entry.parent.changeMode(entry.name, entry.mode | access.directoryBits);
        if (access.restore) modeAfter = entry.mode;
      }
      directory = entry.parent.openDirectory(entry.name);
    } catch (error) {
      this.#problem(entry.path, error);
      return;
    }
    if (directory.identity !== entry.identity) {
      directory.close();
      this.#problem(entry.path, new Error("it was swapped while it was being read"));
      return;
    }
    const { name, pathBytes } = entry;
    await this.#descend(directory, { name, nameText: fileNameText(name), pathBytes, modeAfter });
  }

  async #descend(
    directory: Directory,
    place: Pick<Level, "name" | "nameText" | "pathBytes" | "modeAfter">,
  ): Promise<void> {
    const names: Buffer[] = [];
    const level: Level = { ...place, directory, identity: directory.identity, names };
    this.#levels.push(level);
    const path = this.#pathBelow(this.#levels.length - 1, place.nameText);
    try {
      await this.#options.enter?.(path);
      for await (const name of directory.names()) {
        if (names.length >= (this.#options.maxNames ?? Infinity))
          throw new Error(`it has more than ${names.length} entries`);
        names.push(name);
      }
    } catch (error) {
      this.#problem(path, error);
    }
    if (this.#options.unordered !== true) names.sort((a, b) => Buffer.compare(b, a));
    const tooHigh = this.#levels.length - 1 - OPEN_AT_BOTTOM;
    if (tooHigh <= OPEN_AT_TOP) return;
    const released = this.#levels[tooHigh];
    released?.directory?.close();
    if (released !== undefined) released.directory = null;
  }

  /**
   * Leaves the present level, and opens the one above it again if it had to be closed. When a job has
   * moved that one away, every closed level up to the next open one is given up with it: looking for
   * each of them would take as many steps as the square of the depth.
   */
  #ascend(): void {
    const left = this.#levels.pop();
    const above = this.#top();
    if (left?.directory != null && above !== undefined && above.directory === null) {
      try {
        above.directory = this.#reopen(above, left.directory);
      } catch (error) {
        this.#problem(this.#pathBelow(this.#levels.length - 1, above.nameText), error);
        while (this.#top()?.directory === null) this.#levels.pop();
      }
    }
    if (left !== undefined) this.#leave(left);
  }

  #leave({ directory, modeAfter }: Level): void {
    if (directory === null || directory === this.#root) return;
    try {
      if (modeAfter !== null) directory.setMode(modeAfter);
    } finally {
      directory.close();
    }
  }

  #reopen(level: Level, below: Directory): Directory {
    const parent = below.openParent();
    if (parent.identity === level.identity) return parent;
    parent.close();
    if (this.#searchesLeft === 0)
      throw new Error("directories above it were moved again and again");
    this.#searchesLeft -= 1;
    const found = this.#reopenByName();
    if (found.identity === level.identity) return found;
    found.close();
    throw new Error("it was moved while it was being read");
  }

  /** Goes down to the present level by name from the nearest directory above that is still open. */
  #reopenByName(): Directory {
    const firstClosed = this.#levels.findIndex(({ directory }) => directory === null);
    let directory = this.#levels[firstClosed - 1]?.directory ?? this.#root;
    let isOurs = false;
    for (const { name } of this.#levels.slice(firstClosed)) {
      try {
        const next = directory.openDirectory(name);
        if (isOurs) directory.close();
        directory = next;
        isOurs = true;
      } catch (error) {
        if (isOurs) directory.close();
        throw error;
      }
    }
    return directory;
  }

  /** @param depth how many levels are above the name */
  #pathBelow(depth: number, nameText: string): () => string {
    return () => {
      let path = "";
      for (const above of this.#levels.slice(1, Math.min(depth, MAX_SHOWN_PATH)))
        path += `${above.nameText}/`;
      path += nameText;
      return path.length > MAX_SHOWN_PATH ? `${path.slice(0, MAX_SHOWN_PATH)}…` : path;
    };
  }

  #problem(path: () => string, error: unknown): void {
    if (this.#options.onProblem === undefined) throw error;
    this.#options.onProblem(path, error);
  }
}
