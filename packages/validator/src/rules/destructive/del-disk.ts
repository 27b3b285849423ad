import { isKnown, readable } from "../../characters.js";
import { operands } from "../report.js";
import { ASK } from "../advice.js";
import type { Report, Rule } from "../../rule.js";
import { asksForHelp } from "../shared/options.js";
import { isBlockDevice } from "../shared/overwrite.js";

const MAKE_FILE_SYSTEM =
  /^(mkfs(\.(ext[234]|xfs|btrfs|vfat|fat|exfat|msdos|ntfs|minix|cramfs|f2fs|jfs|nilfs2|reiserfs|reiser4|bfs|udf|ocfs2|gfs2))?|mke2fs|mkdosfs|mkntfs|mkswap)$/;

/** Programs that change a disk however they are called. */
const DISK_TOOLS = [
  ...["wipefs", "blkdiscard", "sgdisk", "gdisk", "cgdisk", "cfdisk", "parted", "hdparm"],
  ...["badblocks", "cryptsetup", "zpool", "mdadm", "nwipe", "fsfreeze", "sg_format", "sg_sanitize"],
  ...["pvremove", "pvcreate", "vgremove", "vgreduce", "vgcreate", "vgcfgrestore", "lvremove"],
  ...["lvreduce", "lvresize", "lvcreate", "lvconvert", "dmsetup", "growpart", "partprobe", "partx"],
  ...["resize2fs", "tune2fs", "e2label", "xfs_growfs", "xfs_admin", "ntfsclone", "partclone.dd"],
  ...["flash_erase", "flashcp", "flashrom", "nandwrite", "zerofree", "addpart", "delpart"],
] as const;
/** Programs that only list what there is when they are told to. */
const LISTS =
  /^(-l|--list|--dump|--print|print|status|list|info|ls|iostat|get|-I|--detail|--examine)$/;
const NO_OPTION_NEEDED = /^(zpool|mdadm|dmsetup|parted|partx|sfdisk|fdisk|hdparm|sgdisk|gdisk)$/;

export const rule = {
  id: "DEL-DISK",
  family: "destructive",
  severity: "error",
  why: "overwrites a disk",
  fix: ASK,
  commands: [
    ...["mkfs*", "mke2fs", "mkdosfs", "mkntfs", "mkswap", "fdisk", "sfdisk", "nvme", "zfs"],
    ...["dd", "dcfldd", "dc3dd", "ddrescue", "shred", "wipe", "e2fsck", "fsck*", "btrfs"],
    ...DISK_TOOLS,
  ],
  followsPaths: true,
  checkFile: ({ path, normal, access }, report) => {
    if (access === "write" && isBlockDevice(normal)) report(`${readable(path)} is overwritten`);
  },
  check: ({ name, args }, report) => {
    if (asksForHelp(args)) return;
    if (name.startsWith("mkfs") || name.startsWith("fsck")) checkFileSystem(name, args, report);
    else if (/^(mke2fs|mkdosfs|mkntfs|mkswap)$/.test(name)) report(`${name} formats a disk`);
    else if (name === "nvme" || name === "zfs" || name === "btrfs") checkVerb(name, args, report);
    else if (/^(dd|dcfldd|dc3dd)$/.test(name)) {
      for (const arg of args)
        if (/^(of|ofs|wipe)=/.test(arg) && isBlockDevice(arg.slice(arg.indexOf("=") + 1)))
          report(`${name} writes to ${readable(arg.slice(arg.indexOf("=") + 1))}`);
    } else if (/^(shred|wipe|ddrescue|e2fsck)$/.test(name)) {
      for (const path of operands(args))
        if (isBlockDevice(path)) report(`${readable(path)} is overwritten`);
    } else if (args.length > 0 && !onlyLists(name, args)) report(`${name} changes a disk`);
  },
  examples: {
    dangerous: [
      "mkfs.ext4 -F /dev/sdq1",
      "dd if=/dev/zero of=/dev/./nvme7n1 bs=4M",
      'for d in $(lsblk -dno NAME); do dd if=/dev/zero of="/dev/$d"; done',
      "echo > /dev/sd*",
      "parted -s /dev/sdq mklabel gpt",
      "dmsetup remove_all",
    ],
    honest: [
      "mkfs.lustre-docs --help",
      "dd if=/dev/zero of=./image bs=1M count=64",
      "fdisk -l",
      "mkfs.ext4 -F overlay.img",
      "zpool status",
      "echo > /dev/null",
      "./parted -n 4 input.dat",
    ],
  },
} as const satisfies Rule;

function checkFileSystem(name: string, args: readonly string[], report: Report): void {
  const paths = operands(args);
  const named = paths.some(isBlockDevice);
  // An image of a file system is a file as any other.
  const image = paths.some((path) => isKnown(path) && /^(?!\/dev\/)\S*\.\w{2,8}$/.test(path));
  if (named || (MAKE_FILE_SYSTEM.test(name) && !image)) report(`${name} changes a disk`);
}

function checkVerb(name: string, args: readonly string[], report: Report): void {
  const [verb = ""] = args;
  if (
    name === "nvme" &&
    /^(format|sanitize|write-zeroes|write-uncor|write|dsm|delete-ns)$/.test(verb)
  )
    report("nvme erases a disk");
  if (name === "zfs" && /^(destroy|rollback)$/.test(verb))
    report(`zfs ${verb} deletes a file system`);
  if (
    name === "btrfs" &&
    /^(device|filesystem)$/.test(verb) &&
    /^(delete|remove|resize)$/.test(args[1] ?? "")
  )
    report(`btrfs ${verb} ${args[1]} changes a disk`);
}

function onlyLists(name: string, args: readonly string[]): boolean {
  return NO_OPTION_NEEDED.test(name) && args.some((arg) => LISTS.test(arg));
}
