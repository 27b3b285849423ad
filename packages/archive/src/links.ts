import { posix } from "node:path";

/** Whether a symlink at `path` with this target stays inside the tree, whatever else is in it. */
export function symlinkStaysInside(path: string, target: string): boolean {
  if (target === "" || target.startsWith("/") || target.includes("\0")) return false;
  const segments = target.split("/").filter((segment) => segment !== "" && segment !== ".");
  const firstName = segments.findIndex((segment) => segment !== "..");
  // `b/..` is not the directory of b when b is itself a link, so `..` may only come first.
  if (firstName !== -1 && segments.indexOf("..", firstName) !== -1) return false;
  const ups = firstName === -1 ? segments.length : firstName;
  const depth = posix.normalize(path).split("/").length - 1;
  return ups <= depth;
}
