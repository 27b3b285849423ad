import { globPattern } from "./glob.js";
import { ABSENT, BREAK, HOME, UNSET, isKnown } from "./characters.js";

/** Segments that begin with a letter or digit: nothing to take out. */
const PLAIN_PATH = /^\/?(?!proc\/)(?:\w[\w.*?=,:+-]*\/)*\w[\w.*?=,:+-]*$/;

/** A path without `//`, `.` and `..`, as far as it is known; relative ones stay relative. */
export function normalizePath(path: string): string {
  if (PLAIN_PATH.test(path)) return path;
  const text =
    path.replaceAll(UNSET, "").replace(/^\/proc\/(self|\d+)\/root(?=\/|$)/, "") ||
    (path.includes(UNSET) ? "" : path);
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

/** What deleting this path recursively would take along; null for what may be the job's own. */
export function deleteTarget(path: string): DeleteTarget | null {
  if (path.includes(BREAK) || path.includes(ABSENT)) return null;
  const normal = normalizePath(path);
  const bare = normal.replace(/\/(\*|\.\*|\{.*\})+$/, "");
  if (normal === "/" || normal === "/*" || (path.startsWith("/") && bare === "")) return "root";
  if (bare === HOME || normal.startsWith(`${HOME}/..`) || /^~\w*$/.test(bare)) return "home";
  if (/^\/dev\/shm(\/|$)/.test(normal)) return null;
  if (SYSTEM_DIRECTORY.test(normal)) return "system";
  if (isKnown(path) && /^(\.\.|(\.\.\/)+\.\.(\/\*)?)$/.test(normal)) return "parent";
  return null;
}

/** Files that belong to a user of the machine, not to a job. */
export function isCredential(path: string): boolean {
  const normal = normalizePath(path).replace(HOME, "/home/me");
  return (
    /^\/etc\/(shadow|gshadow|sudoers|master\.passwd|security\/opasswd)\b/.test(normal) ||
    /\/\.ssh\/(id_\w+|authorized_keys|.*\.pem|identity)\b/.test(normal) ||
    /^\/etc\/ssh\/ssh_host_\w+key$/.test(normal) ||
    /^\/(home\/[^/]+|root)\/\.(ssh|gnupg|aws|kube|docker|azure)\/?$/.test(normal) ||
    /\/\.(aws\/credentials|kube\/config|docker\/config\.json|netrc|pgpass|git-credentials|gnupg\/.*|vault-token|azure\/.*)$/.test(
      normal,
    ) ||
    /\/\.config\/(gcloud|gh|rclone)\/\S+/.test(normal) ||
    /^(\/var)?\/run\/secrets(\/|$)/.test(normal) ||
    /\/\.(bash_history|zsh_history|python_history|mysql_history|psql_history)$/.test(normal) ||
    /\/\.(mozilla|thunderbird|config\/(google-chrome|chromium))\//.test(normal) ||
    /^\/etc\/(munge|krb5\.keytab|kubernetes|slurm\/slurmdbd\.conf|ssl\/private|ipsec\.secrets|wireguard)(\/|$)/.test(
      normal,
    ) ||
    /^\/(etc|var\/lib|run)\/jobctl\//.test(normal)
  );
}

/** Files that hold credentials on many machines, for patterns to be tried on. */
const CREDENTIALS = [
  "/etc/shadow",
  "/etc/gshadow",
  "/etc/sudoers",
  "/etc/munge/munge.key",
  "/etc/krb5.keytab",
  "/etc/ssh/ssh_host_rsa_key",
  "/root/.ssh/id_rsa",
  "/home/me/.ssh/id_rsa",
  "/home/me/.aws/credentials",
];

/** Whether a pattern matches such a file. */
export function matchesCredential(path: string): boolean {
  const pattern = globPattern(path.replace(HOME, "/home/me").replace(/\[[^[\]]*\]/g, "?"));
  if (pattern === null || !/[a-z]/.test(pattern)) return false;
  // A star does not match across directories.
  const whole = new RegExp(`^${pattern.replaceAll("[^]", "[^/]")}$`);
  return CREDENTIALS.some((file) => whole.test(file));
}

/** Parts of the machine that only its administrator writes to. */
export function protectedPlace(
  path: string,
): "etc" | "system" | "log" | "rc" | "proc" | "spool" | null {
  const normal = normalizePath(path);
  if (/^\/etc(\/|$)/.test(normal)) return "etc";
  if (/^\/(usr|bin|sbin|lib|lib64|boot)(\/|$)/.test(normal)) return "system";
  if (/^\/var\/log(\/|$)/.test(normal)) return "log";
  if (/^\/var\/spool(\/|$)/.test(normal)) return "spool";
  if (
    /^\/(proc\/(sys|sysrq-trigger|\w+\/(oom_(adj|score_adj)|uid_map|gid_map|mem))|sys)(\/|$)/.test(
      normal,
    )
  )
    return "proc";
  if (/\/release_agent$/.test(normal)) return "proc";
  if (/^(\/var)?\/run\/(utmp|\w+\.pid)$/.test(normal)) return "log";
  if (
    /^(\uE002|\/root|\/home\/[^/]+)\/\./.test(normal) &&
    /^(.|\/root|\/home\/[^/]+)\/\.(bashrc|bash_profile|bash_login|profile|zshrc|zprofile|zshenv|bash_logout|ssh\/(rc|authorized_keys|config)|config\/(autostart|systemd)(\/.*)?|local\/share\/systemd\/.*)$/.test(
      normal,
    )
  ) {
    return "rc";
  }
  return null;
}

export const BLOCK_DEVICE =
  /^\/dev\/(sd[a-z]+\d*|hd[a-z]\d*|vd[a-z]\d*|xvd[a-z]\d*|nvme\d+n\d+(p\d+)?|mmcblk\d+\S*|md\d+|dm-\d+|mapper\/\S+|disk\/\S+|loop\d+)$/;

export const CONTAINER_SOCKET =
  /\/(docker|containerd\/containerd|crio\/crio|podman\/podman)\.sock$/;
