import { open, stat } from "node:fs/promises";

import { execa } from "execa";

/**
 * Changes one byte in place as a bad disk does: size, inode and times stay as they were.
 *
 * @param at offset of the byte; from the end when it is negative
 */
export async function rot(path: string, at: number): Promise<void> {
  const { mtimeNs, size } = await stat(path, { bigint: true });
  const offset = at < 0 ? Number(size) + at : at;
  const file = await open(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte.writeUInt8(byte.readUInt8() ^ 1);
    await file.write(byte, 0, 1, offset);
    await file.sync();
  } finally {
    await file.close();
  }
  // Node.js sets times to the microsecond only.
  const time = `@${mtimeNs / 1_000_000_000n}.${String(mtimeNs % 1_000_000_000n).padStart(9, "0")}`;
  await execa("touch", ["--date", time, path]);
}
