import { mkdir, readFile, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { JobLimits } from "./limits.js";

const CPU_PERIOD_US = 100_000;

/** What the kernel has counted for one job. */
interface GroupUsage {
  readonly cpuSeconds: number | null;
  readonly maxMemoryBytes: number | null;
  readonly outOfMemoryKills: number;
}

/** A control group of one job: its limits, its processes and its counters. */
export interface ControlGroup {
  /** Files that a process writes its id to, to enter. */
  readonly entrances: readonly string[];
  usage(): Promise<GroupUsage>;
  /** Removes it, once nothing is alive in it. */
  remove(): Promise<void>;
}

/** Makes control groups, where this process may. */
export interface ControlGroups {
  readonly version: 1 | 2;
  create(name: string, limits: JobLimits): Promise<ControlGroup>;
  /** Removes those that an agent that was killed has left behind, unless something is alive in them. */
  sweep(prefix: string): Promise<void>;
}

const ROOT = "/sys/fs/cgroup";

/** Null where no control group can be written: then resource limits have to do. */
export async function findControlGroups(): Promise<ControlGroups | null> {
  const own = await ownGroups();
  const version1 = own.get("memory");
  if (version1 !== undefined) return versionOne(own);
  const unified = own.get("");
  return unified === undefined ? null : versionTwo(join(ROOT, unified));
}

/** Path of this process in each hierarchy, by controller; version 2 has an empty name. */
async function ownGroups(): Promise<Map<string, string>> {
  const text = await readFile("/proc/self/cgroup", "utf8").catch(() => "");
  const groups = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const controller of controllers?.split(",") ?? []) groups.set(controller, path ?? "/");
  }
  return groups;
}

// Version 1: a hierarchy for each controller.

const V1_CONTROLLERS = ["memory", "pids", "cpu", "cpuacct"] as const;

async function versionOne(own: ReadonlyMap<string, string>): Promise<ControlGroups | null> {
  const parentOf = (controller: string): string =>
    join(ROOT, controller, own.get(controller) ?? "/");
  const usable: string[] = [];
  for (const controller of V1_CONTROLLERS) {
    if (await canMakeGroup(parentOf(controller))) usable.push(controller);
  }
  if (!usable.includes("memory") || !usable.includes("pids")) return null;
  return {
    version: 1,
    async sweep(prefix) {
      for (const controller of usable) await sweepGroups(parentOf(controller), prefix);
    },
    async create(name, limits) {
      const at = (controller: string): string => join(parentOf(controller), name);
      for (const controller of usable) await mkdir(at(controller), { recursive: true });
      await writeFile(join(at("memory"), "memory.limit_in_bytes"), String(limits.memoryBytes));
      // Where swap is counted: a job that may swap would have more than its memory.
      await writeFile(
        join(at("memory"), "memory.memsw.limit_in_bytes"),
        String(limits.memoryBytes),
      ).catch(() => {});
      await writeFile(join(at("pids"), "pids.max"), String(limits.maxProcesses));
      if (usable.includes("cpu")) {
        await writeFile(
          join(at("cpu"), "cpu.cfs_quota_us"),
          String(limits.cpus * CPU_PERIOD_US),
        ).catch(() => {});
      }
      return {
        entrances: usable.map((controller) => join(at(controller), "cgroup.procs")),
        async usage() {
          const nanoseconds = await readNumber(join(at("cpuacct"), "cpuacct.usage"));
          return {
            cpuSeconds: nanoseconds === null ? null : nanoseconds / 1e9,
            maxMemoryBytes: await readNumber(join(at("memory"), "memory.max_usage_in_bytes")),
            outOfMemoryKills: await readField(join(at("memory"), "memory.oom_control"), "oom_kill"),
          };
        },
        async remove() {
          for (const controller of usable) await removeGroup(at(controller));
        },
      };
    },
  };
}

// Version 2: one hierarchy; controllers are handed down to groups that hold no process themselves.

const V2_CONTROLLERS = ["memory", "pids", "cpu"] as const;

/**
 * Needs a group that has been delegated, as with systemd's `Delegate=yes`: the agent's user owns its directory,
 * `cgroup.procs` and `cgroup.subtree_control`. A process may be moved only by one that may write to the
 * `cgroup.procs` of a group that holds both the old place and the new, so everything stays below it.
 */
async function versionTwo(own: string): Promise<ControlGroups | null> {
  const controllers = await readFile(join(own, "cgroup.controllers"), "utf8").catch(() => "");
  const usable = V2_CONTROLLERS.filter((name) => controllers.trim().split(" ").includes(name));
  if (!usable.includes("memory") || !usable.includes("pids")) return null;
  try {
    // The agent has to leave its own group before that may have groups with controllers.
    const agent = join(own, "agent");
    await mkdir(agent, { recursive: true });
    await writeFile(join(agent, "cgroup.procs"), String(process.pid));
    const enable = usable.map((name) => `+${name}`).join(" ");
    await writeFile(join(own, "cgroup.subtree_control"), enable);
  } catch {
    return null;
  }
  return {
    version: 2,
    sweep: (prefix) => sweepGroups(own, prefix),
    async create(name, limits) {
      const group = join(own, name);
      await mkdir(group, { recursive: true });
      await writeFile(join(group, "memory.max"), String(limits.memoryBytes));
      await writeFile(join(group, "memory.swap.max"), "0").catch(() => {});
      // All of the job ends, not the one process that asked for too much, which others may wait for.
      await writeFile(join(group, "memory.oom.group"), "1").catch(() => {});
      await writeFile(join(group, "pids.max"), String(limits.maxProcesses));
      if (usable.includes("cpu"))
        await writeFile(join(group, "cpu.max"), `${limits.cpus * CPU_PERIOD_US} ${CPU_PERIOD_US}`);
      return {
        entrances: [join(group, "cgroup.procs")],
        async usage() {
          return {
            cpuSeconds: (await readField(join(group, "cpu.stat"), "usage_usec")) / 1e6,
            maxMemoryBytes: await readNumber(join(group, "memory.peak")),
            outOfMemoryKills: await readField(join(group, "memory.events"), "oom_kill"),
          };
        },
        async remove() {
          // Everything in it should have ended; on kernels that can, the group sees to it.
          await writeFile(join(group, "cgroup.kill"), "1").catch(() => {});
          await removeGroup(group);
        },
      };
    },
  };
}

async function canMakeGroup(parent: string): Promise<boolean> {
  const probe = join(parent, `jobctl-probe-${process.pid}`);
  try {
    await mkdir(probe);
    await rmdir(probe);
    return true;
  } catch {
    return false;
  }
}

async function readNumber(path: string): Promise<number | null> {
  const text = await readFile(path, "utf8").catch(() => "");
  return /^\d+$/.test(text.trim()) ? Number(text) : null;
}

/** A line `name value` of a file; 0 when there is none. */
async function readField(path: string, name: string): Promise<number> {
  const text = await readFile(path, "utf8").catch(() => "");
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
}

async function sweepGroups(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix)) await rmdir(join(parent, name)).catch(() => {});
  }
}

/** The kernel needs a moment after the last process has ended. */
async function removeGroup(path: string): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    try {
      await rmdir(path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EBUSY") return;
      await delay(20);
    }
  }
}
