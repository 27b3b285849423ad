import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { NO_RECORDS, type BlobRecords } from "./blob-records.js";
import { BlobStore, type StagedBlob } from "./blob-store.js";

const PLACES: Record<string, { place: (path: string) => void; found: RegExp }> = {
  "a FIFO": { place: (path) => execFileSync("mkfifo", [path]), found: /not a regular file/ },
  "a link to a device": {
    place: (path) => symlinkSync("/dev/zero", path),
    found: /not a regular file/,
  },
  "a directory": { place: (path) => mkdirSync(path), found: /not a regular file/ },
  "below a file": {
    place(path) {
      rmSync(dirname(path), { recursive: true });
      writeFileSync(dirname(path), "");
    },
    found: /its directory is not a directory/,
  },
};

describe("a blob in whose place something else lies", () => {
  let directory: string;
  let blobs: BlobStore;
  const damage = new Map<string, string>();
  beforeEach(() => {
    damage.clear();
    directory = mkdtempSync(join(tmpdir(), "jobctl-misplaced-"));
    const records: BlobRecords = {
      ...NO_RECORDS,
      noteDamage: (sha256, found) => void damage.set(sha256, found),
    };
    blobs = new BlobStore(directory, 0, records);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const stage = (content: string): Promise<StagedBlob> => {
    async function* source(): AsyncGenerator<Buffer> {
      yield Buffer.from(content);
    }
    const tooLarge = (): never => assert.fail("it is not too large");
    return blobs.stage(source(), { maxBytes: 1000, tooLarge });
  };

  for (const [what, { place, found }] of Object.entries(PLACES)) {
    it(`is damaged where it is ${what}, and nobody waits for it`, async () => {
      const blob = await stage("some content");
      blob.commit();
      const { sha256 } = blob;
      rmSync(blobs.pathOf(sha256));
      place(blobs.pathOf(sha256));
      assert.ok(blobs.has(sha256));
      assert.ok(blobs.isMisplaced(sha256));
      await assert.rejects(blobs.open(sha256), { code: "blob_damaged", message: found });
      await assert.rejects(blobs.readThrough(sha256), { code: "blob_damaged" });
      assert.match(damage.get(sha256) ?? "", found);
      assert.equal(await blobs.isIntact(sha256), false);
    });
  }

  it("says where something is in the way of a new file", async () => {
    const blob = await stage("other content");
    mkdirSync(blobs.pathOf(blob.sha256), { recursive: true });
    assert.throws(() => blob.commit(), { code: "file_system", message: /in the place of/ });
    await blob.discard();
  });
});
