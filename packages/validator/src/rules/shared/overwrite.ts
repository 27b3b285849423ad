import { isKnown } from "../../characters.js";
import { BLOCK_DEVICE, normalizePath } from "../../paths.js";

/** Whether a path is a disk of the machine, or one of the devices in a loop. */
export function isBlockDevice(path: string): boolean {
  const normal = normalizePath(path);
  if (!normal.startsWith("/dev/")) return false;
  if (BLOCK_DEVICE.test(normal)) return true;
  // `/dev/$disk`, `/dev/sd*`: some of them are disks.
  const name = normal.slice("/dev/".length);
  return !name.includes("/") && (!isKnown(name) || /^(sd|hd|vd|xvd|nvme)[^/]*[*?[]/.test(name));
}
