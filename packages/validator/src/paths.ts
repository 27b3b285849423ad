import { BREAK, HOME, UNSET, isKnown } from "./characters.js";

/** A path without `//`, `.` and `..`, as far as it is known; relative ones stay relative. */
export function normalizePath(path: string): string {
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
  if (path.includes(BREAK)) return null;
  const normal = normalizePath(path);
  const bare = normal.replace(/\/(\*|\.\*|\{.*\})+$/, "");
  if (normal === "/" || normal === "/*" || (path.startsWith("/") && bare === "")) return "root";
  if (bare === HOME) return "home";
  if (/^\/dev\/shm(\/|$)/.test(normal)) return null;
  if (SYSTEM_DIRECTORY.test(normal)) return "system";
  if (isKnown(path) && /^(\.\.\/)+\.\.(\/\*)?$/.test(normal)) return "parent";
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
    /^\/var\/run\/secrets\//.test(normal)
  );
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
  if (/^\/(proc\/sys|sys)(\/|$)/.test(normal)) return "proc";
  if (
    normal.startsWith(`${HOME}/.`) &&
    /^.\/\.(bashrc|bash_profile|bash_login|profile|zshrc|zprofile|zshenv|bash_logout|ssh\/(rc|authorized_keys|config)|config\/(autostart|systemd)\/.*|local\/share\/systemd\/.*)$/.test(
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
