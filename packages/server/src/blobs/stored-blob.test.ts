import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
  mkdir,
  mkdtemp,
  rename,
  rmdir,
  rm,
  symlink,
  truncate,
  writeFile,
  type FileHandle,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";

import { JobctlError } from "@jobctl/protocol";

import { NO_RECORDS, type BlobRecords } from "./blob-records.js";
import { BlobStore } from "./blob-store.js";
import { PIECE_BYTES, type Checksums } from "./checksums.js";
import { StoredBlob } from "./stored-blob.js";

class Records implements BlobRecords {
  readonly checksums = new Map<string, Checksums>();
  readonly damaged = new Map<string, string>();
  findChecksums = (sha256: string): Checksums | null => this.checksums.get(sha256) ?? null;
  saveChecksums = (sha256: string, checksums: Checksums): void => {
    this.checksums.set(sha256, checksums);
  };
  forget = (digests: readonly string[]): void => {
    for (const sha256 of digests) this.checksums.delete(sha256);
  };
  noteDamage = (sha256: string, found: string): void => {
    this.damaged.set(sha256, found);
  };
  noteIntact = (sha256: string): void => {
    this.damaged.delete(sha256);
  };
}

describe("a stored blob", () => {
  let directory: string;
  let records: Records;
  let blobs: BlobStore;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "jobctl-blobs-"));
    records = new Records();
    blobs = new BlobStore(directory, 0, records);
  });
  after(() => rm(directory, { recursive: true }));

  const store = async (content: Buffer): Promise<string> => {
    async function* source(): AsyncGenerator<Buffer> {
      // In pieces that fit no boundary.
      for (let at = 0; at < content.length; at += 10_007) yield content.subarray(at, at + 10_007);
    }
    const blob = await blobs.stage(source(), {
      maxBytes: Infinity,
      tooLarge: () => new JobctlError("archive_too_large", "too large"),
    });
    blob.commit();
    return blob.sha256;
  };
  const readAll = async (digest: string, start?: number, end?: number): Promise<Buffer> =>
    blobs.withBlob(digest, async (blob) => {
      const chunks: Buffer[] = [];
      for await (const chunk of blob.stream(start, end)) chunks.push(chunk);
      return Buffer.concat(chunks);
    });
  const damaged = { code: "blob_damaged" };

  it("gives every range as it was stored, whatever its size", async () => {
    for (const sizeBytes of [
      0,
      1,
      PIECE_BYTES - 1,
      PIECE_BYTES,
      PIECE_BYTES + 1,
      9 * PIECE_BYTES + 5,
    ]) {
      const content = randomBytes(sizeBytes);
      const digest = await store(content);
      assert.deepEqual(await readAll(digest), content);
      for (const start of [0, 1, PIECE_BYTES - 1, PIECE_BYTES, 4 * PIECE_BYTES + 1])
        for (const length of [1, 2, PIECE_BYTES, 5 * PIECE_BYTES]) {
          const end = Math.min(start + length, sizeBytes) - 1;
          if (end < start) continue;
          assert.deepEqual(await readAll(digest, start, end), content.subarray(start, end + 1));
          await blobs.withBlob(digest, async (blob) => {
            const into = Buffer.alloc(end + 1 - start);
            const { bytesRead } = await blob.read(into, 0, into.length, start);
            assert.equal(bytesRead, into.length);
            assert.deepEqual(into, content.subarray(start, end + 1));
          });
        }
    }
  });

  it("is not read where a byte has changed, and is elsewhere", async () => {
    const content = randomBytes(9 * PIECE_BYTES);
    for (const at of [0, PIECE_BYTES - 1, PIECE_BYTES, 5 * PIECE_BYTES + 77, content.length - 1]) {
      const digest = await store(content);
      const changed = Buffer.from(content);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x10, at);
      await writeFile(blobs.pathOf(digest), changed);
      await assert.rejects(readAll(digest, at, at), damaged);
      await assert.rejects(readAll(digest), damaged);
      assert.match(records.damaged.get(digest) ?? "", /^its SHA-256 is /);
      const other = at < 3 * PIECE_BYTES ? 6 * PIECE_BYTES : 0;
      assert.deepEqual(
        await readAll(digest, other, other + 9),
        content.subarray(other, other + 10),
      );
      assert.equal(await blobs.isIntact(digest), false);
      // Stored anew it is right again.
      await store(content);
      assert.deepEqual([await readAll(digest), records.damaged.size], [content, 0]);
      assert.equal(await blobs.isIntact(digest), true);
    }
  });

  it("that is small, or was cut, is found out as well", async () => {
    const small = randomBytes(100);
    const digest = await store(small);
    await writeFile(blobs.pathOf(digest), randomBytes(100));
    await assert.rejects(readAll(digest, 50, 60), damaged);
    for (const left of [0, 10, PIECE_BYTES, 3 * PIECE_BYTES]) {
      const large = await store(randomBytes(4 * PIECE_BYTES));
      await truncate(blobs.pathOf(large), left);
      await assert.rejects(readAll(large, 0, 4 * PIECE_BYTES - 1), damaged, `cut to ${left}`);
      await assert.rejects(readAll(large, 2 * PIECE_BYTES, 2 * PIECE_BYTES + 9), damaged);
    }
    await truncate(blobs.pathOf(digest), 0);
    await assert.rejects(readAll(digest, 0, 99), damaged);
  });

  it("that the disk does not give is not damaged: the next reading may succeed", async () => {
    const content = randomBytes(100);
    const digest = createHash("sha256").update(content).digest("hex");
    await mkdir(dirname(blobs.pathOf(digest)), { recursive: true });
    // Its first page is not mapped: a read of it fails with EIO.
    await symlink("/proc/self/mem", blobs.pathOf(digest));
    const unreadable = { code: "file_system", message: /cannot be read \(EIO\)/ };
    await assert.rejects(readAll(digest), unreadable);
    await assert.rejects(blobs.readThrough(digest), unreadable);
    assert.match(records.damaged.get(digest) ?? "", /EIO/);
    await rm(blobs.pathOf(digest));
    await writeFile(blobs.pathOf(digest), content);
    await blobs.readThrough(digest);
    assert.deepEqual([await readAll(digest), records.damaged.has(digest)], [content, false]);
    for (const code of ["EIO", "ESTALE", "ENXIO"]) {
      const file = { read: () => Promise.reject(Object.assign(new Error(code), { code })) };
      let verified = 0;
      const reverify = (): Promise<Checksums> => {
        verified += 1;
        return Promise.resolve({ sizeBytes: 100, pieces: Buffer.alloc(0) });
      };
      const opened = { file: file as unknown as FileHandle, sha256: digest, sizeBytes: 100 };
      const blob = new StoredBlob({ ...opened, checksums: null, reverify });
      await assert.rejects(blob.stream().next(), { code: "file_system" });
      assert.equal(verified, code === "EIO" ? 1 : 0);
    }
  });

  it("is missing only where others are: otherwise its volume is away", async () => {
    const digest = await store(randomBytes(100));
    await rename(blobs.pathOf(digest), join(directory, "aside"));
    await assert.rejects(readAll(digest), { code: "blob_missing" });
    const root = join(directory, "blobs/sha256");
    await rename(root, `${root}.away`);
    await assert.rejects(readAll(digest), { code: "file_system" });
    await mkdir(root);
    await assert.rejects(blobs.readThrough(digest), { code: "file_system" });
    await rmdir(root);
    await rename(`${root}.away`, root);
    await rename(join(directory, "aside"), blobs.pathOf(digest));
    assert.equal((await readAll(digest)).length, 100);
  });

  it("whose checksums are wrong, or were never taken, is read through and gets them", async () => {
    const content = randomBytes(3 * PIECE_BYTES);
    const digest = await store(content);
    const right = records.checksums.get(digest);
    assert.ok(right !== undefined);
    records.checksums.set(digest, { ...right, pieces: Buffer.alloc(right.pieces.length) });
    assert.deepEqual(await readAll(digest), content);
    assert.deepEqual(records.checksums.get(digest), right);
    records.checksums.delete(digest);
    assert.deepEqual(await readAll(digest, 5, 9), content.subarray(5, 10));
    assert.deepEqual(records.checksums.get(digest), right);
    const forgetful = new BlobStore(directory, 0, NO_RECORDS);
    await forgetful.withBlob(digest, async (blob) => {
      const hash = createHash("sha256");
      for await (const chunk of blob.stream()) hash.update(chunk);
      assert.equal(hash.digest("hex"), digest);
    });
  });
});
