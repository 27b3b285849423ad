import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import type { Logger } from "@jobctl/daemon";

import { BlobStore } from "../blobs/blob-store.js";
import { openStore, type Store } from "../store/store.js";
import { BlobWatch } from "./blob-watch.js";
import { Scrub } from "./scrub.js";

const SIZE_BYTES = 100_000;
const WEEK_MS = 7 * 86_400_000;
const logger = { info: () => {}, warn: () => {}, error: () => {} } as unknown as Logger;

describe("the scrub", () => {
  let directory: string;
  let store: Store;
  let watch: BlobWatch;
  let blobs: BlobStore;
  let made: number;
  beforeEach(() => {
    made = 0;
    directory = mkdtempSync(join(tmpdir(), "jobctl-scrub-"));
    store = openStore(join(directory, "jobctl.db"));
    watch = new BlobWatch({ checksums: store.checksums, damage: store.damage, logger });
    blobs = new BlobStore(directory, 0, watch);
  });
  afterEach(() => {
    watch.flush();
    store.close();
    rmSync(directory, { recursive: true });
  });

  /** Each time other bytes, but in every run the same: so are the directories that they are in. */
  const newBytes = (sizeBytes: number): Buffer => Buffer.alloc(sizeBytes, `${(made += 1)} `);
  /** As a version without checksums has left it. */
  const place = (content: Buffer): string => {
    const digest = createHash("sha256").update(content).digest("hex");
    mkdirSync(dirname(blobs.pathOf(digest)), { recursive: true });
    writeFileSync(blobs.pathOf(digest), content);
    return digest;
  };
  const scrub = (bytesPerSecond: number): Scrub =>
    new Scrub({
      ...{ blobs, logger, store: store.scrub },
      settings: { everyMs: WEEK_MS, bytesPerSecond },
    });
  const until = async (done: () => boolean): Promise<void> => {
    for (const endMs = performance.now() + 60_000; !done(); await delay(5))
      assert.ok(performance.now() < endMs, "it takes too long");
  };

  it("goes on where it was when it was stopped, and is done with a round once", async () => {
    const digests = Array.from({ length: 8 }, () => place(newBytes(SIZE_BYTES))).toSorted();
    const first = scrub(SIZE_BYTES * 10);
    first.start();
    await until(() => first.readBytes >= 3 * SIZE_BYTES);
    await first.stop();
    const position = store.scrub.find()?.position ?? "";
    const done = digests.indexOf(position) + 1;
    assert.ok(done > 0 && done < digests.length, `${done} of ${digests.length}`);
    assert.equal(store.scrub.find()?.completedAt, null);
    const second = scrub(1e12);
    second.start();
    await until(() => store.scrub.find()?.completedAt != null);
    assert.equal(second.readBytes, (digests.length - done) * SIZE_BYTES);
    assert.ok(second.ageSeconds < 20);
    // The next round is due in a week.
    await second.stop();
    const third = scrub(1e12);
    third.start();
    await third.stop();
    assert.deepEqual([third.readBytes, store.scrub.find()?.position], [0, null]);
  });

  it("finds what has changed, forgets what is right again, and takes checksums", async () => {
    const content = newBytes(SIZE_BYTES);
    const digest = place(content);
    const other = place(newBytes(SIZE_BYTES));
    const changed = Buffer.from(content);
    changed.writeUInt8(changed.readUInt8(70_000) ^ 1, 70_000);
    writeFileSync(blobs.pathOf(digest), changed);
    const round = async (): Promise<void> => {
      store.scrub.put({ since: 0, position: null, completedAt: null });
      const one = scrub(1e12);
      one.start();
      await until(() => store.scrub.find()?.completedAt != null);
      await one.stop();
    };
    await round();
    assert.deepEqual(
      watch.damaged.map(({ sha256 }) => sha256),
      [digest],
    );
    assert.equal(store.damage.list().length, 1);
    assert.equal(watch.findChecksums(other)?.sizeBytes, SIZE_BYTES);
    assert.equal(watch.findChecksums(digest), null);
    writeFileSync(blobs.pathOf(digest), content);
    await round();
    assert.deepEqual([watch.damaged, store.damage.list()], [[], []]);
    assert.equal(watch.findChecksums(digest)?.sizeBytes, SIZE_BYTES);
  });

  it("goes on where one entry cannot be read, and where one has been removed", async () => {
    const last = place(newBytes(SIZE_BYTES));
    mkdirSync(join(directory, "blobs/sha256/00", "0".repeat(64)), { recursive: true });
    symlinkSync("/proc/self/mem", join(directory, "blobs/sha256/00", `${"0".repeat(63)}1`));
    symlinkSync("missing", join(directory, "blobs/sha256/00", `${"0".repeat(63)}2`));
    writeFileSync(join(directory, "blobs/sha256/01"), "no directory");
    const one = scrub(1e12);
    one.start();
    await until(() => store.scrub.find()?.completedAt != null);
    await one.stop();
    assert.equal(watch.findChecksums(last)?.sizeBytes, SIZE_BYTES);
    assert.deepEqual(watch.damaged.map(({ found }) => found).toSorted(), [
      "it cannot be read (EIO)",
      "it is not a regular file",
    ]);
  });

  it("keeps to its rate", async () => {
    for (let n = 0; n < 4; n += 1) place(newBytes(SIZE_BYTES));
    const slow = scrub(1_000_000);
    const beganMs = performance.now();
    slow.start();
    await until(() => store.scrub.find()?.completedAt != null);
    await slow.stop();
    // 400 kB at 1 MB/s take 0.4 s at least.
    assert.ok(performance.now() - beganMs >= 400);
  });
});
