import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { type Logger, makeKeyPair } from "@jobctl/daemon";
import type { GcReport } from "@jobctl/protocol";

import { BlobStore } from "../blobs/blob-store.js";
import { requireBelonging, writeInstallationNote } from "../store/data-folder.js";
import { NEW_JOB } from "../store/new-job.test-support.js";
import { openStore, type Store } from "../store/store.js";
import { BlobWatch } from "./blob-watch.js";
import { collectGarbage, type GcOptions } from "./gc.js";

const logger = { info: () => {}, warn: () => {}, error: () => {} } as unknown as Logger;
/** More than are removed in one go, and than one look at them holds. */
const MANY = 450;

describe("gc", () => {
  let directory: string;
  let paths: { dataPath: string; dbPath: string };
  let store: Store;
  let watch: BlobWatch;
  let blobs: BlobStore;
  let made: number;
  const id = randomUUID();
  beforeEach(async () => {
    made = 0;
    directory = mkdtempSync(join(tmpdir(), "jobctl-gc-"));
    paths = { dataPath: directory, dbPath: join(directory, "jobctl.db") };
    store = openStore(paths.dbPath);
    store.transaction(() => store.installation.create({ uuid: id, ...makeKeyPair() }, 1));
    watch = new BlobWatch({ checksums: store.checksums, damage: store.damage, logger });
    blobs = new BlobStore(directory, 0, watch);
    await writeInstallationNote(directory, id, 0);
  });
  afterEach(() => {
    store.close();
    rmSync(directory, { recursive: true });
  });

  /** Each time other bytes, but in every run the same: so are the directories that they are in. */
  const newBytes = (sizeBytes: number): Buffer => Buffer.alloc(sizeBytes, `${(made += 1)} `);
  const place = (content: Buffer): string => {
    const digest = createHash("sha256").update(content).digest("hex");
    mkdirSync(dirname(blobs.pathOf(digest)), { recursive: true });
    writeFileSync(blobs.pathOf(digest), content);
    return digest;
  };
  const submit = (): string => {
    const input = place(newBytes(100));
    store.transaction(() => store.jobs.insert({ ...NEW_JOB, input_sha256: input }, {}));
    return input;
  };
  const ids = { lost: null, giveUpLost: () => {} };
  const gc = (options: Partial<GcOptions> = {}, isCopied = false): Promise<GcReport> =>
    collectGarbage(
      { store, blobs, watch, paths, logger, ids, isCopied: () => isCopied },
      { dryRun: false, force: false, ...options },
    );

  it("takes no file for missing while the volume of the files is away", async () => {
    const input = submit();
    place(newBytes(50));
    await gc();
    const root = dirname(dirname(blobs.pathOf(input)));
    renameSync(root, `${root}.away`);
    mkdirSync(root);
    await assert.rejects(gc(), { code: "file_system" });
    renameSync(`${root}.away`, root);
    rmSync(blobs.pathOf(input));
    const { missing } = await gc();
    assert.deepEqual(
      missing.map(({ sha256 }) => sha256),
      [input],
    );
  });

  it("removes what belongs to no job, with what is remembered of it", async () => {
    const used = submit();
    const pieces = { sizeBytes: 200_000, pieces: Buffer.alloc(128) };
    const strays = Array.from({ length: MANY }, () => place(newBytes(50)));
    for (const stray of strays) watch.saveChecksums(stray, pieces);
    watch.flush();
    watch.noteDamage(strays[7] ?? "", "it has changed");
    const { blobs: removed, damaged } = await gc({ force: true });
    assert.deepEqual([removed.count, removed.sizeBytes, damaged], [MANY, MANY * 50, []]);
    assert.deepEqual(blobs.stored, { count: 1, sizeBytes: 100 });
    assert.ok(blobs.has(used));
    for (const stray of strays) assert.equal(watch.findChecksums(stray), null);
  });

  it("says that it keeps what a backup may copy", async () => {
    const strays = Array.from({ length: 3 }, () => place(newBytes(50)));
    const { blobs: removed, keptForBackup } = await gc({}, true);
    assert.deepEqual([removed.count, keptForBackup], [0, { count: 3, sizeBytes: 150 }]);
    for (const stray of strays) assert.ok(blobs.has(stray));
    assert.equal((await gc({ dryRun: true }, true)).blobs.count, 3);
    const after = await gc();
    assert.deepEqual([after.blobs.count, after.keptForBackup.count], [3, 0]);
  });

  it("removes nothing once the database has been lost", async () => {
    const strays = Array.from({ length: 5 }, () => place(newBytes(50)));
    renameSync(paths.dbPath, `${paths.dbPath}.away`);
    await assert.rejects(gc({ force: true }), { code: "database_unavailable" });
    for (const stray of strays) assert.ok(blobs.has(stray));
    renameSync(`${paths.dbPath}.away`, paths.dbPath);
    assert.equal((await gc({ force: true })).blobs.count, 5);
  });

  it("stops when the database is lost while it is under way", async () => {
    for (let n = 0; n < MANY; n += 1) place(newBytes(50));
    const remove = blobs.remove.bind(blobs);
    blobs.remove = (digests) => {
      remove(digests);
      renameSync(paths.dbPath, `${paths.dbPath}.away`);
    };
    await assert.rejects(gc({ force: true }), { code: "database_unavailable" });
    const left: string[] = [];
    for await (const { sha256 } of blobs.list()) left.push(sha256);
    assert.equal(left.length, MANY - 200);
    renameSync(`${paths.dbPath}.away`, paths.dbPath);
  });

  it("leaves word of how far the database is: an older copy is refused, whatever was removed", async () => {
    submit();
    await store.copyTo(join(directory, "old.db"));
    const newer = submit();
    // Many jobs have been removed long ago.
    for (let n = 0; n < 100; n += 1) submit();
    store.removeEndedBefore(Infinity, 100);
    await gc();
    assert.match(readFileSync(join(directory, "installation.json"), "utf8"), /"lastJobId":102\b/);
    requireBelonging(paths);
    store.close();
    renameSync(join(directory, "old.db"), paths.dbPath);
    const older = { code: "data_mismatch", message: /is older than its data folder/ };
    assert.throws(() => requireBelonging(paths), older);
    store = openStore(paths.dbPath);
    await assert.rejects(gc({ force: true }), older);
    assert.ok(blobs.has(newer));
  });

  it("forgets damage of what is neither stored nor of use to a job", async () => {
    const used = submit();
    watch.noteDamage("a".repeat(64), "it has changed");
    watch.noteDamage(used, "it has changed");
    const { damaged } = await gc();
    assert.deepEqual(
      damaged.map(({ sha256 }) => sha256),
      [used],
    );
    assert.equal(store.damage.list().length, 1);
  });

  it("finds what lies in the place of a file that a job refers to", async () => {
    const [link, folder] = [submit(), submit()];
    for (const sha256 of [link, folder]) rmSync(blobs.pathOf(sha256));
    symlinkSync("/dev/zero", blobs.pathOf(link));
    mkdirSync(blobs.pathOf(folder));
    const { damaged, missing } = await gc({ verify: true });
    const found = damaged.map((blob) => [blob.sha256, blob.found]).toSorted();
    const expected = [link, folder].map((sha256) => [sha256, "it is not a regular file"]);
    assert.deepEqual([found, missing], [expected.toSorted(), []]);
  });

  it("goes on where one entry cannot be read", async () => {
    submit();
    mkdirSync(blobs.pathOf("e".repeat(64)), { recursive: true });
    mkdirSync(dirname(blobs.pathOf("f".repeat(64))));
    symlinkSync("/proc/self/mem", blobs.pathOf("f".repeat(64)));
    writeFileSync(join(directory, "blobs/sha256/00"), "no directory");
    const { verified, blobs: removed } = await gc({ verify: true });
    assert.deepEqual([verified?.count, removed.count], [2, 1]);
  });
});
