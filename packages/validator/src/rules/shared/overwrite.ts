import { isKnown, readable } from "../../characters.js";
import { BLOCK_DEVICE, deleteTarget, dependsOnUnset, normalizePath } from "../../paths.js";
import type { Found } from "../report.js";

/** Whether a path is a disk of the machine, or one of the devices in a loop. */
export function isBlockDevice(path: string): boolean {
  const normal = normalizePath(path);
  if (!normal.startsWith("/dev/")) return false;
  if (BLOCK_DEVICE.test(normal)) return true;
  // `/dev/$disk`, `/dev/sd*`: some of them are disks.
  const name = normal.slice("/dev/".length);
  return !name.includes("/") && (!isKnown(name) || /^(sd|hd|vd|xvd|nvme)[^/]*[*?[]/.test(name));
}

/** What an output redirection, `tee` or `cp` overwrites. */
export function checkOverwrite(path: string, found: Found): void {
  if (isBlockDevice(path)) found("DEL-DISK", `${readable(path)} is overwritten`);
  else if (
    /[*?]/.test(path) &&
    !dependsOnUnset(path) &&
    /^(root|home|system)$/.test(deleteTarget(path) ?? "")
  )
    found("DEL-TRUNC", `${readable(path)} is overwritten`);
}
