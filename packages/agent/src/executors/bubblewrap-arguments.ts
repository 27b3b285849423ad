import type { KernelFiles } from "./kernel-files.js";

/** A directory of the machine that may be a link, as `/bin` is where `/usr` is merged. */
export interface SystemDirectory {
  readonly path: string;
  /** Null for a real directory. */
  readonly linkTarget: string | null;
}

export interface SandboxView {
  readonly workspace: string;
  readonly hostname: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What of the machine is visible, read-only. */
  readonly system: readonly SystemDirectory[];
  readonly tmpBytes: number;
  readonly network: boolean;
  /** What is hidden of the job's /proc. */
  readonly kernelFiles: KernelFiles;
  /** Descriptor from which the filter of system calls is read; null: there is none. */
  readonly filterDescriptor: number | null;
}

/** Where a job sees its own directory, and its private temporary one. */
export const SANDBOX_WORKSPACE = "/job";
export const SANDBOX_TEMPORARY = "/tmp";

/** The job is this user in its own namespace, whoever the agent is. */
const JOB_ID = "1000";

/** Files of /etc that programs need and that hold nothing of this machine's users. */
const ETC_FILES = [
  "/etc/alternatives",
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  "/etc/localtime",
  "/etc/timezone",
  "/etc/ssl/certs",
  "/etc/ssl/openssl.cnf",
  "/etc/ca-certificates",
  "/etc/nsswitch.conf",
  "/etc/protocols",
  "/etc/services",
  "/etc/mime.types",
] as const;

const ETC_FILES_FOR_NETWORK = ["/etc/resolv.conf", "/etc/hosts"] as const;

/**
 * The arguments of bubblewrap for one job, without the command. Everything that is not named here
 * does not exist for the job; only its workspace, /tmp and /dev/shm can be written.
 *
 * They are to be passed through `--args`, not on the command line: the job's environment is among
 * them.
 */
export function bubblewrapArguments(view: SandboxView): string[] {
  const etc = view.network ? [...ETC_FILES, ...ETC_FILES_FOR_NETWORK] : ETC_FILES;
  const size = String(view.tmpBytes);
  return [
    ...[
      "--unshare-user",
      "--unshare-pid",
      "--unshare-ipc",
      "--unshare-uts",
      "--unshare-cgroup-try",
    ],
    ...(view.network ? [] : ["--unshare-net"]),
    // A namespace of one's own is where capabilities are, and the way to most holes of the kernel.
    "--disable-userns",
    ...["--uid", JOB_ID, "--gid", JOB_ID, "--cap-drop", "ALL"],
    ...["--hostname", view.hostname],
    "--die-with-parent",
    "--new-session",
    ...view.system.flatMap(({ path, linkTarget }) =>
      linkTarget === null ? ["--ro-bind", path, path] : ["--symlink", linkTarget, path],
    ),
    ...etc.flatMap((path) => ["--ro-bind-try", path, path]),
    ...["--proc", "/proc", "--dev", "/dev"],
    // The settings of the kernel: programs read some of them.
    ...["--ro-bind", "/proc/sys", "/proc/sys"],
    ...view.kernelFiles.files.flatMap((path) => ["--ro-bind", "/dev/null", path]),
    ...view.kernelFiles.directories.flatMap((path) => [
      ...["--perms", "0555", "--size", "4096", "--tmpfs", path, "--remount-ro", path],
    ]),
    ...["--perms", "1777", "--size", size, "--tmpfs", "/dev/shm"],
    ...["--perms", "1777", "--size", size, "--tmpfs", SANDBOX_TEMPORARY],
    ...["--bind", view.workspace, SANDBOX_WORKSPACE],
    ...["--remount-ro", "/dev", "--remount-ro", "/"],
    ...["--chdir", SANDBOX_WORKSPACE],
    ...(view.filterDescriptor === null ? [] : ["--seccomp", String(view.filterDescriptor)]),
    "--clearenv",
    ...Object.entries(view.environment).flatMap(([name, value]) => ["--setenv", name, value]),
  ];
}
