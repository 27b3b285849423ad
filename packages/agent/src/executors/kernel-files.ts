import { readdir } from "node:fs/promises";

/** What a job must not see of /proc: hidden by mounts on top. */
export interface KernelFiles {
  readonly files: readonly string[];
  readonly directories: readonly string[];
}

/**
 * What programs ask /proc about the machine. Everything else at its top, but processes, is hidden: the
 * kernel lets a job of an agent of root read files that belong to root.
 */
const NEEDED = new Set([
  ...[
    "buddyinfo",
    "cgroups",
    "cmdline",
    "cpuinfo",
    "crypto",
    "devices",
    "diskstats",
    "execdomains",
  ],
  ...["filesystems", "loadavg", "locks", "meminfo", "misc", "mounts", "net", "partitions"],
  ...["pressure", "self", "softirqs", "stat", "swaps", "sys", "sysvipc", "thread-self", "tty"],
  ...["uptime", "version", "vmstat", "zoneinfo"],
]);

/** Of the kernel that runs. @param directory /proc, or one that looks like it */
export async function findKernelFiles(directory = "/proc"): Promise<KernelFiles> {
  const entries = await readdir(directory, { withFileTypes: true });
  const hidden = entries.filter(({ name }) => !/^\d+$/.test(name) && !NEEDED.has(name));
  const named = (isKind: (entry: (typeof entries)[number]) => boolean): string[] =>
    hidden
      .filter(isKind)
      .map(({ name }) => `/proc/${name}`)
      .toSorted();
  return {
    files: named((entry) => entry.isFile()),
    directories: named((entry) => entry.isDirectory()),
  };
}
