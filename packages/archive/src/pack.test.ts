import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  mkdir,
  mkdtemp,
  open,
  readFile,
  rm,
  lutimes,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { createGzip } from "node:zlib";

import {
  NO_LIMITS,
  inspectArchive,
  findInTar,
  indexTar,
  pack,
  packedSize,
  toPackEntries,
  unpackArchive,
  walkAll,
} from "./index.js";

const LONG = "long ".repeat(40).trim();

describe("an archive", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "jobctl-archive-"));
    await mkdir(join(root, "in/d/ü", LONG), { recursive: true });
    await writeFile(join(root, "in/run.sh"), "true\n", { mode: 0o755 });
    await writeFile(join(root, "in/d/ü", LONG, "x"), "x".repeat(1000));
    await writeFile(join(root, "in/empty"), "");
    await symlink("d/ü", join(root, "in/link"));
    // The tree that is unpacked from it has a link of another time.
    await lutimes(join(root, "in/link"), 1_700_000_000, 1_700_000_000);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const packed = async (directory = "in") => {
    const entries = toPackEntries(await walkAll(join(root, directory)));
    const chunks: Buffer[] = [];
    for await (const chunk of pack(join(root, directory), entries)) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), entries };
  };

  it("has the size that was worked out before", async () => {
    const { bytes, entries } = await packed();
    assert.equal(bytes.length, packedSize(entries));
  });

  it("is the same for the same tree, and another one for another time or content", async () => {
    const first = digest((await packed()).bytes);
    await writeFile(join(root, "in/later"), "");
    await rm(join(root, "in/later"));
    assert.equal(digest((await packed()).bytes), first, "a directory's own time does not count");
    await utimes(join(root, "in/empty"), 1, 1);
    assert.notEqual(digest((await packed()).bytes), first);
  });

  it("unpacks to the same tree, plain and gzipped, in pieces of any size", async () => {
    const { bytes } = await packed();
    for (const [name, source] of [
      ["plain", pieces(bytes, 7)],
      ["gzip", createGzip().end(bytes) as AsyncIterable<Buffer>],
    ] as const) {
      await mkdir(join(root, name));
      await unpackArchive(source, join(root, name), { limits: NO_LIMITS });
      assert.equal(digest((await packed(name)).bytes), digest(bytes));
    }
  });

  it("is inspected as what it is", async () => {
    const { bytes, entries } = await packed();
    const summary = await inspectArchive(pieces(bytes, 1000), NO_LIMITS);
    assert.deepEqual(summary, { root: "", entries: entries.length, extractedBytes: 1005 });
  });

  it("is listed, and single files are found, without reading it through", async () => {
    const { bytes, entries } = await packed();
    await writeFile(join(root, "a.tar"), bytes);
    const file = await open(join(root, "a.tar"));
    try {
      const found: string[] = [];
      for await (const entry of indexTar(file)) found.push(entry.path);
      assert.deepEqual(
        found,
        entries.map(({ path }) => path),
      );
      const entry = await findInTar(file, `d/ü/${LONG}/x`);
      const content = (await readFile(join(root, "a.tar"))).subarray(entry?.offset ?? 0);
      assert.equal(content.toString("utf8", 0, entry?.sizeBytes), "x".repeat(1000));
      assert.equal(await findInTar(file, "nothing"), null);
    } finally {
      await file.close();
    }
  });

  it("is given up when a file becomes shorter meanwhile", async () => {
    const entries = toPackEntries(await walkAll(join(root, "in")));
    await writeFile(join(root, "in/run.sh"), "");
    const drain = async (): Promise<void> => {
      for await (const _ of pack(join(root, "in"), entries));
    };
    await assert.rejects(drain(), /"run\.sh" became shorter/);
  });
});

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
