import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";

/** Whether this process may mount file systems and set up loop devices. */
export function canMount(): boolean {
  return process.getuid?.() === 0;
}

/** A file system in memory of a fixed size, mounted on a directory. */
async function mountTmpfs(directory: string, sizeBytes: number, inodes: number): Promise<void> {
  await mkdir(directory, { recursive: true });
  const options = `size=${sizeBytes},nr_inodes=${inodes}`;
  await execa("mount", ["-t", "tmpfs", "-o", options, "jobctl-test", directory]);
}

/** A small file system in memory, below a directory of its own. */
export class SmallVolume {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async mount(sizeBytes: number, inodes = 100_000): Promise<SmallVolume> {
    const volume = new SmallVolume(await mkdtemp(join(tmpdir(), "jobctl-volume-")));
    await mountTmpfs(volume.path, sizeBytes, inodes);
    return volume;
  }

  /** Where it is mounted. */
  get path(): string {
    return join(this.root, "volume");
  }

  /** Takes all the space that is left, in a file of its own. */
  async fill(): Promise<void> {
    const file = await open(this.#filler, "w");
    try {
      for (const block = Buffer.alloc(64 * 1024); ;) await file.write(block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      await file.close();
    }
  }

  /** Gives back what `fill` has taken. */
  async makeRoom(): Promise<void> {
    await rm(this.#filler, { force: true });
  }

  get #filler(): string {
    return join(this.path, "filler");
  }

  async remove(): Promise<void> {
    await unmount(this.path);
    await rm(this.root, { recursive: true });
  }
}

async function unmount(directory: string): Promise<void> {
  await execa("umount", [directory]);
}

/**
 * An ext4 file system in an image file, behind a loop device with direct I/O: what has not been synced
 * is not in the file, as it would not be on a disk that loses power.
 */
export class DiskImage {
  readonly path: string;
  readonly mountPoint: string;
  #device = "";

  private constructor(path: string, mountPoint: string) {
    this.path = path;
    this.mountPoint = mountPoint;
  }

  static async create(path: string, mountPoint: string, sizeBytes: number): Promise<DiskImage> {
    await execa("truncate", ["-s", String(sizeBytes), path]);
    await execa("mkfs.ext4", ["-q", "-F", path]);
    const disk = new DiskImage(path, mountPoint);
    await disk.#attach();
    return disk;
  }

  /** The disk as it would be found after a loss of power now; what is lost stays lost. */
  async copyTo(path: string, mountPoint: string): Promise<DiskImage> {
    await execa("cp", ["--sparse=always", this.path, path]);
    const copy = new DiskImage(path, mountPoint);
    await copy.#attach();
    return copy;
  }

  async detach(): Promise<void> {
    await unmount(this.mountPoint);
    await execa("losetup", ["--detach", this.#device]);
  }

  async #attach(): Promise<void> {
    await mkdir(this.mountPoint, { recursive: true });
    const { stdout } = await execa("losetup", ["--find", "--show", "--direct-io=on", this.path]);
    this.#device = stdout.trim();
    await execa("mount", [this.#device, this.mountPoint]);
  }
}
