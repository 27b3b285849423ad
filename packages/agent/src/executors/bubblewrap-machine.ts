import { access, constants, lstat, readlink } from "node:fs/promises";
import { join } from "node:path";

import { JobctlError } from "@jobctl/protocol";
import { execa } from "execa";

import { bubblewrapArguments, type SystemDirectory } from "./bubblewrap-arguments.js";
import { cleanStart } from "./clean-start.js";
import { findKernelFiles, type KernelFiles } from "./kernel-files.js";
import { seccompFilter } from "./seccomp/seccomp-filter.js";

const SYSTEM_DIRECTORIES = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/** PATH of programs that run outside the sandbox. */
export const OUTER_PATH = "/usr/bin:/bin";

/** Descriptor of the filter in a trial: the first after the usual three. */
const FILTER_DESCRIPTOR = 3;

/** What sandboxes are made of on this machine. */
export interface Machine {
  /** Path of bubblewrap. */
  readonly program: string;
  readonly system: readonly SystemDirectory[];
  readonly kernelFiles: KernelFiles;
  /** Filters of system calls, for jobs without and with the network; null: there is none. */
  readonly filters: { readonly offline: Buffer | null; readonly online: Buffer | null };
}

/**
 * Finds what sandboxes are made of. Whether they can be made is another question: `tryOut()`.
 *
 * @param readOnlyPaths further directories that jobs see
 * @throws JobctlError `sandbox_unavailable` where bubblewrap is not installed
 */
export async function findMachine(readOnlyPaths: readonly string[]): Promise<Machine> {
  return {
    program: await findProgram("bwrap"),
    system: await findSystemDirectories(readOnlyPaths),
    kernelFiles: await findKernelFiles(),
    filters: {
      offline: seccompFilter(process.arch, false),
      online: seccompFilter(process.arch, true),
    },
  };
}

/** @throws JobctlError `sandbox_unavailable` */
async function findProgram(name: string): Promise<string> {
  for (const directory of (process.env["PATH"] ?? "/usr/bin:/bin").split(":")) {
    const path = join(directory, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  throw new JobctlError("sandbox_unavailable", "bubblewrap is not installed", {
    hint: "Install it (Debian, Ubuntu: apt install bubblewrap), or accept jobs without a sandbox with JOBCTL_AGENT_SANDBOX=process.",
  });
}

async function findSystemDirectories(readOnlyPaths: readonly string[]): Promise<SystemDirectory[]> {
  const found: SystemDirectory[] = [];
  for (const path of [...SYSTEM_DIRECTORIES, ...readOnlyPaths]) {
    const stat = await lstat(path).catch(() => null);
    if (stat === null) continue;
    found.push({ path, linkTarget: stat.isSymbolicLink() ? await readlink(path) : null });
  }
  return found;
}

/** @throws JobctlError `sandbox_unavailable` with bubblewrap's own words */
export async function tryOut(machine: Machine): Promise<void> {
  const filter = machine.filters.offline;
  const sandbox = bubblewrapArguments({
    workspace: "/usr",
    hostname: "probe",
    environment: {},
    system: machine.system,
    kernelFiles: machine.kernelFiles,
    filterDescriptor: filter === null ? null : FILTER_DESCRIPTOR,
    tmpBytes: 4096,
    network: false,
  });
  const command = [machine.program, ...sandbox, "true"];
  const [shell = "", ...args] = cleanStart(FILTER_DESCRIPTOR, [], command);
  const { failed, stderr } = await execa(shell, args, {
    env: { PATH: OUTER_PATH },
    extendEnv: false,
    reject: false,
    stdio: ["ignore", "pipe", "pipe", [filter ?? new Uint8Array()]],
  });
  if (!failed) return;
  throw new JobctlError(
    "sandbox_unavailable",
    `bubblewrap cannot make a sandbox here: ${stderr.trim()}`,
    {
      hint: "Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0; in a container a seccomp profile that permits them), or accept jobs without a sandbox with JOBCTL_AGENT_SANDBOX=process.",
    },
  );
}
