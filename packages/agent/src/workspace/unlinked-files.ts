import { lstatSync, statSync } from "node:fs";
import { open, readdir } from "node:fs/promises";

import { TimeSlice } from "@jobctl/archive";

/** Most of the lists of mappings that is read: a job chooses how long they are. */
const MAX_MAPS_BYTES = 4 * 1024 ** 2;
/** A mapping of a file that has no name any more: its range, device and inode. */
const DELETED_MAPPING =
  /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ ([0-9a-f]+):([0-9a-f]+) (\d+) .*\(deleted\)$/;

/**
 * Bytes that processes hold on a volume in files without a name: open ones by what they occupy,
 * mapped ones by the length of the mapping. A walk of the directories does not see them.
 *
 * Not seen are files that are in flight through a socket, and mapped ones on file systems that show
 * another device there than elsewhere (btrfs, overlayfs).
 *
 * @param directory any directory on the volume
 * @returns null when a process cannot be looked into, or has more mappings than are read
 */
export async function unlinkedBytes(
  pids: readonly number[],
  directory: string,
): Promise<number | null> {
  const { dev } = lstatSync(directory);
  const slice = new TimeSlice();
  const counted = new Set<number>();
  let bytes = 0;
  for (const pid of pids) {
    const descriptors = await unlessEnded(readdir(`/proc/${pid}/fd`));
    if (descriptors === "hidden") return null;
    for (const name of descriptors ?? []) {
      await slice.yieldIfOver();
      const stat = statSync(`/proc/${pid}/fd/${name}`, { throwIfNoEntry: false });
      if (stat === undefined || !stat.isFile() || stat.nlink > 0) continue;
      if (stat.dev !== dev || counted.has(stat.ino)) continue;
      counted.add(stat.ino);
      bytes += stat.blocks * 512;
    }
  }
  let mapsBytes = 0;
  for (const pid of pids) {
    const maps = await unlessEnded(readMaps(pid, MAX_MAPS_BYTES - mapsBytes));
    if (maps === "hidden") return null;
    mapsBytes += maps?.length ?? 0;
    if (mapsBytes >= MAX_MAPS_BYTES) return null;
    for (const { inode, lengthBytes } of deletedMappings(maps ?? "", dev)) {
      if (counted.has(inode)) continue;
      counted.add(inode);
      bytes += lengthBytes;
    }
    await slice.yieldIfOver();
  }
  return bytes;
}

/** @returns null for a process that has ended, `hidden` for one that may not be looked into */
async function unlessEnded<T>(reading: Promise<T>): Promise<T | null | "hidden"> {
  try {
    return await reading;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EACCES" || code === "EPERM" ? "hidden" : null;
  }
}

/** At most so many bytes of the list of a process's mappings. */
async function readMaps(pid: number, maxBytes: number): Promise<string> {
  const file = await open(`/proc/${pid}/maps`);
  try {
    const pieces: Buffer[] = [];
    for (let left = maxBytes; left > 0;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(left, 64 * 1024)));
      if (bytesRead === 0) break;
      left -= bytesRead;
      pieces.push(buffer.subarray(0, bytesRead));
    }
    return Buffer.concat(pieces).toString("latin1");
  } finally {
    await file.close();
  }
}

function deletedMappings(maps: string, dev: number): { inode: number; lengthBytes: number }[] {
  return maps.split("\n").flatMap((line) => {
    const [, start, end, major, minor, inode] = DELETED_MAPPING.exec(line) ?? [];
    if (start === undefined || end === undefined || major === undefined || minor === undefined)
      return [];
    if (deviceOf(Number.parseInt(major, 16), Number.parseInt(minor, 16)) !== dev) return [];
    const lengthBytes = Number(BigInt(`0x${end}`) - BigInt(`0x${start}`));
    return [{ inode: Number(inode), lengthBytes }];
  });
}

/** A device number as glibc's `makedev` puts it together, for numbers below 2^20. */
function deviceOf(major: number, minor: number): number {
  return (major & 0xfff) * 0x100 + (minor & 0xff) + (minor >> 8) * 0x100000;
}
