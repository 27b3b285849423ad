import { existsSync, statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";

import { JobctlError } from "@jobctl/protocol/error";

/** File systems that hold no files of ours, by Linux's numbers (linux/magic.h). */
const KERNEL_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x9fa0, "proc"],
  [0x62656572, "sysfs"],
  [0x27e0eb, "cgroup"],
  [0x63677270, "cgroup2"],
  [0x64626720, "debugfs"],
  [0x74726163, "tracefs"],
  [0x73636673, "securityfs"],
  [0x62656570, "configfs"],
  [0xcafe4a11, "bpf"],
  [0x1cd1, "devpts"],
]);

/**
 * Refuses a path at which the kernel shows its own state instead of storing files. Node.js 20 never comes back
 * from making directories in /proc.
 *
 * @param what the setting or the option that the path is from
 * @returns the path, absolute
 * @throws JobctlError `config_invalid`
 */
export function requirePlainPath(what: string, path: string): string {
  const absolute = resolve(path);
  if (process.platform !== "linux") return absolute;
  const kind = KERNEL_FILE_SYSTEMS.get(fileSystemOf(absolute));
  if (kind === undefined) return absolute;
  throw new JobctlError(
    "config_invalid",
    `${what}: ${absolute} lies on a ${kind} file system, which cannot store files`,
    { hint: "Give a path on a disk." },
  );
}

/** Of the path, or of the directory in which it would be made. */
function fileSystemOf(path: string): number {
  const parent = dirname(path);
  if (!existsSync(path) && parent !== path) return fileSystemOf(parent);
  try {
    return statfsSync(path).type;
  } catch {
    return 0;
  }
}
