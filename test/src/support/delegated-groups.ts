import { existsSync } from "node:fs";
import { chown, mkdir, readFile, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { waitUntil } from "./wait-until.js";

const ROOT = "/sys/fs/cgroup";
const V1_CONTROLLERS = ["memory", "pids", "cpu", "cpuacct"] as const;

/** Control groups that belong to an unprivileged user, as systemd hands them over with `Delegate=yes`. */
export class DelegatedGroups {
  readonly #directories: readonly string[];

  private constructor(directories: readonly string[]) {
    this.#directories = directories;
  }

  /** Whether this process may make and hand over control groups. */
  static canBeMade(): boolean {
    const isVersion2 = existsSync(join(ROOT, "cgroup.controllers"));
    return process.getuid?.() === 0 && (isVersion2 || existsSync(join(ROOT, "memory")));
  }

  /** One group for each hierarchy, owned by the user; nothing is in them yet. */
  static async make(name: string, uid: number, gid: number): Promise<DelegatedGroups> {
    const directories = existsSync(join(ROOT, "cgroup.controllers"))
      ? [await versionTwoDirectory(name)]
      : await Promise.all(
          V1_CONTROLLERS.map((controller) => versionOneDirectory(controller, name)),
        );
    for (const directory of directories) {
      await mkdir(directory);
      await chown(directory, uid, gid);
      // The limits of the group itself stay root's.
      for (const file of await readdir(directory)) {
        if (DELEGATED_FILES.has(file)) await chown(join(directory, file), uid, gid);
      }
    }
    return new DelegatedGroups(directories);
  }

  /** Files that a process of root writes its id to before it becomes the user. */
  get entrances(): string[] {
    return this.#directories.map((directory) => join(directory, "cgroup.procs"));
  }

  /** Removes the groups and what was made below them. */
  async remove(): Promise<void> {
    for (const directory of this.#directories) {
      // The kernel keeps a group for a moment after its last process has ended.
      await waitUntil(`${directory} is gone`, () => removeGroup(directory));
    }
  }
}

/** See "Delegation" in the kernel's cgroup-v2.rst, and systemd's CGROUP_DELEGATION.md. */
const DELEGATED_FILES = new Set([
  "cgroup.procs",
  "cgroup.threads",
  "cgroup.subtree_control",
  "tasks",
]);

async function versionOneDirectory(controller: string, name: string): Promise<string> {
  const own = await readFile("/proc/self/cgroup", "utf8");
  const line = own.split("\n").find((text) => text.split(":")[1]?.split(",").includes(controller));
  return join(ROOT, controller, line?.split(":")[2] ?? "/", name);
}

/** Below the root, the only group that may have both processes and controllers for its children. */
async function versionTwoDirectory(name: string): Promise<string> {
  await writeFile(join(ROOT, "cgroup.subtree_control"), "+memory +pids +cpu");
  return join(ROOT, name);
}

async function removeGroup(directory: string): Promise<boolean> {
  if (!existsSync(directory)) return true;
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeGroup(join(directory, entry.name));
  }
  return rmdir(directory).then(
    () => true,
    () => false,
  );
}
