import { TimeSlice, type Directory } from "@jobctl/archive";

const OWNER_BITS = 0o700;

/**
 * Removes everything in a directory, also trees deeper than a path can name and directories whose
 * permissions a job has taken away. Subdirectories of subdirectories are moved to the top first, so
 * that nothing is ever reached through more than two descriptors, and a removal that is cut short
 * goes on where it was.
 *
 * @param top stays open; nothing else may write to it
 * @returns how many entries could not be removed, and the first error
 */
export async function emptyDirectory(
  top: Directory,
): Promise<{ readonly left: number; readonly error: unknown }> {
  const removal = new Removal(top);
  return removal.run();
}

class Removal {
  readonly #top: Directory;
  /** Names at the top that stay, because they cannot be removed. */
  readonly #stuck = new Set<string>();
  #error: unknown = null;
  #moved = 0;
  readonly #slice = new TimeSlice();

  constructor(top: Directory) {
    this.#top = top;
  }

  async run() {
    for (let progress = true; progress;) {
      progress = false;
      for await (const name of this.#top.names()) {
        await this.#slice.yieldIfOver();
        if (this.#stuck.has(name.toString("latin1"))) continue;
        progress = true;
        await this.#remove(name);
      }
    }
    return { left: this.#stuck.size, error: this.#error };
  }

  async #remove(name: Buffer): Promise<void> {
    try {
      if (this.#top.stat(name).type === "directory") await this.#removeDirectory(name);
      else this.#top.unlink(name);
    } catch (error) {
      if (isGone(error)) return;
      this.#error ??= error;
      this.#stuck.add(name.toString("latin1"));
    }
  }

  async #removeDirectory(name: Buffer): Promise<void> {
    const { mode } = this.#top.stat(name);
    if ((mode & OWNER_BITS) !== OWNER_BITS) this.#top.changeMode(name, OWNER_BITS);
    const directory = this.#top.openDirectory(name);
    try {
      for await (const child of directory.names()) {
        await this.#slice.yieldIfOver();
        if (directory.stat(child).type === "directory") this.#moveUp(directory, child);
        else directory.unlink(child);
      }
    } finally {
      directory.close();
    }
    this.#top.removeDirectory(name);
  }

  /** A directory that is moved is written to, because its `..` changes. */
  #moveUp(from: Directory, name: Buffer): void {
    from.changeMode(name, OWNER_BITS);
    for (;;) {
      this.#moved += 1;
      try {
        return from.moveTo(name, this.#top, Buffer.from(`moved-${this.#moved}`));
      } catch (error) {
        if (!isTaken(error)) throw error;
      }
    }
  }
}

function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

/** An empty directory of that name is replaced, and nothing is lost by it. */
function isTaken(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOTDIR";
}
