import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { BlobStore } from "../blobs/blob-store.js";
import { NEW_JOB } from "../store/new-job.test-support.js";
import { openStore, type Store } from "../store/store.js";
import { measureUsage } from "./usage.js";

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW = 100 * DAY_MS;

describe("usage", () => {
  let directory: string;
  let store: Store;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "jobctl-usage-"));
    store = openStore(join(directory, "jobctl.db"));
  });
  afterEach(() => {
    store.close();
    rmSync(directory, { recursive: true });
  });
  const measure = (minFreeBytes = 0) =>
    measureUsage({ store, blobs: new BlobStore(directory, minFreeBytes) }, {}, NOW);
  const submit = (daysAgo: number, sizeBytes: number) =>
    store.jobs.insert(
      { ...NEW_JOB, submitted_at: NOW - daysAgo * DAY_MS, input_size_bytes: sizeBytes },
      {},
    );

  it("of a server without jobs is nothing", async () => {
    const { items, storage } = await measure();
    assert.deepEqual(items, []);
    assert.deepEqual([storage.bytesPerDay, storage.daysLeft], [null, null]);
  });

  it("says nothing of growth on the first day", async () => {
    submit(0.5, 1000);
    assert.equal((await measure()).storage.bytesPerDay, null);
  });

  it("concludes from the last seven days, or from as many as there are", async () => {
    submit(2, 1000);
    submit(1, 3000);
    assert.equal((await measure()).storage.bytesPerDay, 2000);
    submit(0, 0);
    assert.equal((await measure()).storage.bytesPerDay, 2000);
  });

  it("leaves out of that what is older", async () => {
    submit(50, 1_000_000);
    submit(6, 7000);
    const { storage, items } = await measure();
    assert.equal(storage.bytesPerDay, 1000);
    assert.equal(items[0]?.inputBytes, 1_007_000);
    assert.equal(storage.daysLeft, storage.freeBytes / 1000);
  });

  it("counts the days until the reserve is reached", async () => {
    submit(1, 1000);
    assert.equal((await measure(2 ** 52)).storage.daysLeft, 0);
  });
});
