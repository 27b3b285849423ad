import { ABSENT, BREAK, HOME, UNSET, isKnown } from "./characters.js";
import { globMatcher } from "./rules/shared/glob-match.js";
import { isStartupFile } from "./rules/data/startup-files.js";

/** Segments that begin with a letter or digit: nothing to take out. */
const PLAIN_PATH = /^\/?(?!proc\/)(?:\w[\w.*?=,:+-]*\/)*\w[\w.*?=,:+-]*$/;

const PROCESS_ROOT = /^proc\/(self|thread-self|\d+)(\/task\/\d+)?\/root$/;

/** A path without `//`, `.` and `..`, as far as it is known; relative ones stay relative. */
export function normalizePath(path: string): string {
  if (PLAIN_PATH.test(path)) return path;
  const text = path.replaceAll(UNSET, "");
  const absolute = text.startsWith("/");
  const segments: string[] = [];
  for (const segment of text.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (
      segment === ".." &&
      segments.length > 0 &&
      segments.at(-1) !== ".." &&
      segments.at(-1) !== HOME
    )
      segments.pop();
    else if (segment !== ".." || !absolute) segments.push(segment);
    // The directory of a process that is the top of the file system.
    if (
      absolute &&
      segment === "root" &&
      segments.length <= 5 &&
      PROCESS_ROOT.test(segments.join("/"))
    )
      segments.length = 0;
  }
  return (absolute ? "/" : "") + segments.join("/");
}

/** Whether the value is there only because a variable may be unset. */
export function dependsOnUnset(path: string): boolean {
  return path.includes(UNSET);
}

const SYSTEM_DIRECTORY =
  /^\/(bin|boot|dev|etc|home|lib|lib32|lib64|opt|proc|root|run|sbin|srv|sys|usr|var)(\/(lib|lib64|bin|sbin|log|local|spool|cache|share|include|mail|www|run))?(\/\*?)?$/;

export type DeleteTarget = "root" | "home" | "system" | "parent";

/** Directories right below the top of the file system, for paths that climb up to it. */
const FROM_TOP =
  /^(?:\.\.\/){4,}(?=(?:bin|boot|dev|etc|home|lib|lib64|opt|proc|root|run|sbin|srv|sys|usr|var)(?:\/|$))/;

const TOP = ["/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/opt", "/root", "/usr", "/var"];

/** Whether a pattern such as `/*`, `/???`, `/u*` takes directories of the system along. */
function matchesTop(path: string): boolean {
  return TOP.some(globMatcher(path));
}

/** A path without `.` and `..`, from the top where it climbs so far that it can only be meant from there. */
function fromTop(path: string): string {
  return normalizePath(path).replace(FROM_TOP, "/");
}

/** What deleting this path recursively would take along; null for what may be the job's own. */
export function deleteTarget(path: string): DeleteTarget | null {
  if (path.includes(BREAK) || path.includes(ABSENT)) return null;
  const normal = fromTop(path);
  const bare = normal.replace(/\/(?:\.?\*+|\{[^{}]*\})$/, "");
  if (normal === "/" || (path.startsWith("/") && bare === "")) return "root";
  if (/^\/[^/]{0,100}$/.test(normal) && /[*?[]/.test(normal) && matchesTop(normal)) return "root";
  if (bare === HOME || normal.startsWith(`${HOME}/..`) || /^~\w*$/.test(bare)) return "home";
  if (/^\/(home|Users)\/[^/]+$/.test(bare)) return "home";
  // `~/.??*`, `~/.[!.]*`: all that is hidden there.
  if (normal.startsWith(`${HOME}/.`) && /^.\/\.[?*[\]!.^]*\*$/.test(normal)) return "home";
  if (/^\/dev\/shm(\/|$)/.test(normal)) return null;
  if (SYSTEM_DIRECTORY.test(normal)) return "system";
  if (isKnown(path) && /^(\.\.|(\.\.\/)+\.\.(\/\.?\*)?)$/.test(normal)) return "parent";
  return null;
}

/** Files below a directory of the site that has the layout of a system: `$CONDA_PREFIX/etc`, `$DESTDIR/usr/bin`. */
export function isBelowUnset(path: string): boolean {
  return /^.\/(etc|usr|bin|sbin|lib|lib64|opt|var|srv)(\/|$)/.test(path) && path.startsWith(UNSET);
}

/** What no such directory has, so that it is meant from the top. */
const ONLY_AT_TOP =
  /^\/(etc\/(passwd|shadow|group|gshadow|sudoers|cron|ld\.so|systemd|pam\.d|rc\.local|init\.d|hosts|fstab|ssh\/)|var\/(log\/(auth|syslog|wtmp|messages)|spool\/cron|lib\/dpkg))/;

/** Parts of the machine that only its administrator writes to. */
export function protectedPlace(
  path: string,
): "etc" | "system" | "log" | "rc" | "proc" | "spool" | null {
  const normal = fromTop(path);
  if (isBelowUnset(path) && !ONLY_AT_TOP.test(normal)) return null;
  if (/^\/etc(\/|$)/.test(normal)) return "etc";
  if (/^\/(usr|bin|sbin|lib|lib64|boot)(\/|$)/.test(normal)) return "system";
  if (/^\/var\/log(\/|$)/.test(normal)) return "log";
  if (/^\/var\/spool(\/|$)/.test(normal)) return "spool";
  if (isKernelSetting(normal)) return "proc";
  if (/^(\/var)?\/run\/(utmp|\w+\.pid)$/.test(normal)) return "log";
  if (/^(\/var)?\/run\/(systemd|udev|motd|initctl|user\/[^/]+\/systemd)(\/|$)/.test(normal))
    return "rc";
  if (
    /^\/var\/(www|backups|mail|lib\/(systemd|cloud|dpkg|rpm|misc|polkit-1|AccountsService))\//.test(
      normal,
    )
  )
    return "system";
  const own = /^(?:~\w*|\/home\/[^/]+|\/Users\/[^/]+|\/root)\/(.+)$/.exec(
    normal.replace(HOME, "~"),
  )?.[1];
  if (own !== undefined && isStartupFile(own)) return "rc";
  if (
    /(^|\/)hooks\/(pre|post|prepare|commit|applypatch|reference|push|fsmonitor)-[\w-]+$/.test(
      normal,
    )
  )
    return "rc";
  if (
    /^[^\w.].*\/(autostart\/[^/]+\.desktop|systemd\/user\/[^/]+\.(service|timer|path|socket))$/.test(
      normal,
    )
  )
    return "rc";
  // `$home/.bashrc` of whoever it is.
  const [head = ""] = normal.split("/");
  if (head !== "" && !isKnown(head) && isStartupFile(normal.slice(head.length + 1))) return "rc";
  // Every Python that finds it runs it; one below the job's own directory is the job's affair.
  if (/^[^\w.].*\/(site|user)customize\.py$/.test(normal)) return "rc";
  return null;
}

/** Files that set how the kernel works as soon as they are written to. */
function isKernelSetting(normal: string): boolean {
  return (
    /^\/sys(\/|$)/.test(normal) ||
    /^\/proc\/(sys|sysrq-trigger|irq|mtrr|acpi|bus|driver|scsi|fs|tty|asound|dynamic_debug)(\/|$)/.test(
      normal,
    ) ||
    /^\/proc\/[^/]+\/(oom_(adj|score_adj)|uid_map|gid_map|setgroups|mem|loginuid|attr|projid_map)(\/|$)/.test(
      normal,
    ) ||
    /\/(release_agent|notify_on_release|cgroup\.procs|devices\.allow)$/.test(normal) ||
    /^\/dev\/(k?mem|port|kmsg|watchdog\d*|rtc\d*|cpu_dma_latency|mcelog|ipmi\d+)$/.test(normal) ||
    /^\/dev\/cpu\/[^/]+\/(msr|microcode)$/.test(normal)
  );
}

export const BLOCK_DEVICE =
  /^\/dev\/(sd[a-z]+\d*|hd[a-z]\d*|vd[a-z]\d*|xvd[a-z]\d*|nvme\d+n\d+(p\d+)?|mmcblk\d+\S*|md\d+\w*|dm-\d+|(mapper|disk|block|zvol|mtdblock\d*)\/\S+|loop\d+|nbd\d+|zd\d+|sr\d+|pmem\d+\w*|bcache\d+|drbd\d+|mtd\d+|rbd\d+|dasd\w+|r?disk\d+\w*|root)$/;

export const CONTAINER_SOCKET =
  /\/(docker|containerd\/containerd|crio\/crio|podman\/podman)\.sock$/;
