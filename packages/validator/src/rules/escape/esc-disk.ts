import { isKnown, readable } from "../../characters.js";
import type { Rule } from "../../rule.js";
import { ASK } from "../advice.js";
import { isBlockDevice } from "../shared/overwrite.js";

/** Programs that only describe a disk. */
const DESCRIBES =
  /^(lsblk|blkid|df|findmnt|stat|ls|file|smartctl|udevadm|echo|printf|test|\[|\[\[|mountpoint|du|sar|iostat|readlink|realpath|lsof|basename|dirname|[ef]?grep|nvme|export|declare|local)$/;

export const rule = {
  id: "ESC-DISK",
  family: "escape",
  severity: "error",
  why: "reads or writes a disk past the permissions of its file systems",
  fix: ASK,
  commands: ["*"],
  check: ({ name, args }, report) => {
    if (DESCRIBES.test(name)) return;
    const disk = args.find(isDisk);
    if (disk !== undefined) report(`${name} is given the disk ${readable(disk)}`);
  },
  examples: {
    dangerous: [
      "dd if=/dev/sdq of=copy",
      "strings /dev/mapper/home",
      "debugfs -R 'ls /' /dev/vda1",
    ],
    honest: ["lsblk /dev/sda", "df -h /dev/sda1", "cat /dev/null", "dd if=/dev/zero of=x count=1"],
  },
} as const satisfies Rule;

function isDisk(arg: string): boolean {
  if (!arg.includes("/dev/")) return false;
  const path = arg.replace(/^(if=|--?[\w-]{1,30}=)/, "");
  // What is not known is rather no disk where it is only read.
  return path.startsWith("/dev/") && isKnown(path) && isBlockDevice(path);
}
