import { readable } from "../characters.js";
import {
  BLOCK_DEVICE,
  deleteTarget,
  dependsOnUnset,
  normalizePath,
  protectedPlace,
} from "../paths.js";
import type { CommandRule, Found } from "./report.js";
import { hasOption, operands } from "./report.js";

const MAKE_FILE_SYSTEM =
  /^(mkfs(\.(ext[234]|xfs|btrfs|vfat|fat|ntfs|minix|cramfs|f2fs|jfs|reiserfs|bfs|msdos))?|mke2fs|mkswap)$/;
const DISK_TOOLS = new Set([
  "wipefs",
  "blkdiscard",
  "sgdisk",
  "sfdisk",
  "fdisk",
  "cfdisk",
  "gdisk",
  "parted",
  "hdparm",
  "badblocks",
  "cryptsetup",
  "pvremove",
  "vgremove",
  "lvremove",
  "zpool",
  "mdadm",
  "nwipe",
]);

const DROPS_DATA =
  /\b(drop\s+(database|schema|table|user|role)|truncate\s+table|flushall|flushdb|dropDatabase|delete\s+from\s+\w+\s*(;|$))/i;

export const destructiveRules: CommandRule = ({ name, args }, found) => {
  const targets = operands(args);
  switch (name) {
    case "rm":
    case "shred":
    case "unlink":
    case "srm":
    case "wipe":
      for (const path of targets) {
        if (name !== "rm") checkOverwrite(path, found);
        checkDelete(path, found, hasOption(args, "rR", "--recursive"));
      }
      break;
    case "tar":
      if (args.includes("--remove-files"))
        for (const path of targets.slice(1)) checkDelete(path, found, true);
      break;
    case "git":
      if (args[0] === "clean") for (const path of targets.slice(1)) checkDelete(path, found, true);
      break;
    case "btrfs":
      if (args[0] === "subvolume" && args[1] === "delete")
        for (const path of targets.slice(2)) checkDelete(path, found, true);
      break;
    case "nvme":
      if (/^(format|sanitize|write-zeroes|write-uncor)$/.test(args[0] ?? ""))
        found("DEL-DISK", "nvme erases a disk");
      break;
    case "zfs":
      if (args[0] === "destroy" || args[0] === "rollback")
        found("DEL-DISK", `zfs ${args[0]} deletes a file system`);
      break;
    case "find":
      checkFind(args, found);
      break;
    case "rsync":
      if (args.some((arg) => arg.startsWith("--delete")))
        checkDelete(targets.at(-1) ?? "", found, true);
      break;
    case "mv":
      if (targets.at(-1) === "/dev/null")
        found("DEL-MVNULL", `${readable(targets[0] ?? "")} is moved to /dev/null`);
      for (const path of targets.slice(0, -1)) checkMoved(path, found);
      break;
    case "dd":
      for (const arg of args) {
        if (arg.startsWith("of=") && BLOCK_DEVICE.test(normalizePath(arg.slice(3))))
          found("DEL-DISK", `dd writes to ${arg.slice(3)}`);
      }
      break;
    case "truncate":
      for (const path of targets)
        if (protectedPlace(path) !== null) found("DEL-TRUNC", `${readable(path)} is emptied`);
      break;
    case "chmod":
    case "chown":
    case "chgrp":
      for (const path of targets.slice(1)) {
        const ofSystem = /^\/(etc|usr|boot|lib|lib64|bin|sbin)\//.test(normalizePath(path));
        if ((deleteTarget(path) !== null && !dependsOnUnset(path)) || ofSystem)
          found("DEL-PERM", `${name} changes ${readable(path)}`);
      }
      break;
    case "mysql":
    case "mariadb":
    case "psql":
    case "mongo":
    case "mongosh":
    case "redis-cli":
    case "clickhouse-client":
      if (DROPS_DATA.test(args.join(" "))) found("DEL-DB", `${name} deletes data`);
      break;
    case "dropdb":
      found("DEL-DB", "dropdb deletes a database");
      break;
    case "sqlite3":
      // A database of the job's own is the job's affair.
      if (DROPS_DATA.test(args.join(" ")) && (targets[0] ?? "").startsWith("/"))
        found("DEL-DB", "sqlite3 deletes data outside the job");
      break;
    default:
      if (MAKE_FILE_SYSTEM.test(name) || (DISK_TOOLS.has(name) && args.length > 0))
        found("DEL-DISK", `${name} changes a disk`);
  }
};

/** What an output redirection, `tee` or `cp` overwrites. */
export function checkOverwrite(path: string, found: Found): void {
  if (BLOCK_DEVICE.test(normalizePath(path))) found("DEL-DISK", `${readable(path)} is overwritten`);
}

function checkFind(args: readonly string[], found: Found): void {
  const deletes =
    args.includes("-delete") ||
    args.some(
      (arg, at) =>
        /^-(exec|execdir|ok)$/.test(arg) && /(^|\/)(rm|shred|unlink)$/.test(args[at + 1] ?? ""),
    );
  if (!deletes) return;
  const first = args.findIndex((arg) => arg.startsWith("-") && !/^-[HLPO]/.test(arg));
  for (const path of args.slice(0, first === -1 ? undefined : first))
    checkDelete(path, found, true);
}

const MESSAGES = {
  root: ["DEL-ROOT", "the whole file system"],
  home: ["DEL-HOME", "the home directory"],
  system: ["DEL-SYSDIR", "a directory of the system"],
  parent: ["DEL-PARENT", "what lies above the job"],
} as const;

/** What lies below the directories of the system, and is nobody's scratch space. */
const OF_SYSTEM =
  /^\/(etc|usr|boot|lib|lib32|lib64|bin|sbin|root|opt|srv|var\/(lib(?!\/apt\/lists)|log|spool|mail|www|backups))\/[^/*]/;

function checkDelete(path: string, found: Found, recursive: boolean): void {
  const target = deleteTarget(path);
  if (target === null) {
    if (OF_SYSTEM.test(normalizePath(path)))
      found("DEL-SYSDIR", `${readable(path)} belongs to the system`);
    return;
  }
  if (dependsOnUnset(path)) {
    if (recursive) found("DEL-UNSET", `${readable(path)} is deleted if the variable is empty`);
    return;
  }
  const [rule, what] = MESSAGES[target];
  if (recursive || /[*?]/.test(path) || target === "root")
    found(rule, `${readable(path)} is ${what}`);
}

function checkMoved(path: string, found: Found): void {
  const target = deleteTarget(path);
  const ofSystem = /^\/(etc|usr|boot|lib|lib64|bin|sbin)\//.test(normalizePath(path));
  if ((target !== null && target !== "parent" && !dependsOnUnset(path)) || ofSystem)
    found("DEL-MVNULL", `${readable(path)} is moved away`);
}
