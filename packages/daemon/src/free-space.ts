import { statfs } from "node:fs/promises";

/** What a volume keeps for what has been accepted: with fewer inodes nothing new is taken. */
const RESERVED_INODES = 1024;

/** What is free on a volume. */
export interface FreeSpace {
  readonly freeBytes: number;
  /** Null on file systems that make inodes as they need them. */
  readonly freeInodes: number | null;
  /** 1024, or a hundredth of a small volume's. */
  readonly reservedInodes: number;
}

/** @throws the file system's error */
export async function freeSpaceOf(path: string): Promise<FreeSpace> {
  const { bavail, bsize, files, ffree } = await statfs(path);
  return {
    freeBytes: bavail * bsize,
    freeInodes: files === 0 ? null : ffree,
    reservedInodes: Math.min(RESERVED_INODES, Math.ceil(files / 100)),
  };
}

/** Whether files can run out before bytes do. */
export function lacksInodes({ freeInodes, reservedInodes }: FreeSpace): boolean {
  return freeInodes !== null && freeInodes < reservedInodes;
}
