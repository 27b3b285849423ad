import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";

/** Time after which others get their turn. */
const SLICE_MS = 5;
/** Longest list of mappings that is read of one process: a job chooses how many it has. */
const MAX_MAPS_BYTES = 4 * 1024 ** 2;
/** A mapping of a file that has no name any more: its length, device and inode. */
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
 */
export async function unlinkedBytes(pids: readonly number[], directory: string): Promise<number> {
  const { dev } = lstatSync(directory);
  const counted = new Set<number>();
  let bytes = 0;
  let sliceStartMs = performance.now();
  const breathe = async (): Promise<void> => {
    if (performance.now() - sliceStartMs <= SLICE_MS) return;
    await nextTurn();
    sliceStartMs = performance.now();
  };
  for (const pid of pids) {
    for (const name of namesIn(`/proc/${pid}/fd`)) {
      await breathe();
      const stat = statSync(`/proc/${pid}/fd/${name}`, { throwIfNoEntry: false });
      if (stat === undefined || !stat.isFile() || stat.nlink > 0) continue;
      if (stat.dev !== dev || counted.has(stat.ino)) continue;
      counted.add(stat.ino);
      bytes += stat.blocks * 512;
    }
  }
  for (const pid of pids) {
    await breathe();
    for (const { inode, lengthBytes } of deletedMappings(pid, dev)) {
      if (counted.has(inode)) continue;
      counted.add(inode);
      bytes += lengthBytes;
    }
  }
  return bytes;
}

/** Empty when the process has ended or does not belong to this user. */
function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function deletedMappings(pid: number, dev: number): { inode: number; lengthBytes: number }[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/maps`, "latin1").slice(0, MAX_MAPS_BYTES);
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => {
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
