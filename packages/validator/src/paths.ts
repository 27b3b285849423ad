import { ABSENT, BREAK, HOME, UNSET, isKnown } from "./characters.js";

/** Segments that begin with a letter or digit: nothing to take out. */
const PLAIN_PATH = /^\/?(?!proc\/)(?:\w[\w.*?=,:+-]*\/)*\w[\w.*?=,:+-]*$/;

const TOP = /^proc\/(self|thread-self|\d+)(\/task\/\d+)?\/root$/;

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
    if (absolute && segment === "root" && segments.length <= 5 && TOP.test(segments.join("/")))
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
