import assert from "node:assert/strict";
import { mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { gzipSync } from "node:zlib";

import fc from "fast-check";
import { Header, Pax } from "tar";

import type { RawEntry } from "./entry.js";
import { NO_LIMITS, findInTar, inspectArchive, inspectResult, unpackArchive } from "./index.js";
import { scanTar } from "./scan-tar.js";

const BLOCK = 512;
const END = Buffer.alloc(2 * BLOCK);

type Type = "File" | "Link" | "ExtendedHeader";

/** One entry, written without any check. */
function entry(path: string, content = "", type: Type = "File", linkpath?: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  const body = Buffer.from(content);
  const fields = { path, type, size: body.length, mode: 0o644 };
  new Header({ ...fields, ...(linkpath === undefined ? {} : { linkpath }) }).encode(block, 0);
  return Buffer.concat([block, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function scanned(archive: Buffer, size = archive.length): Promise<[RawEntry[], Buffer]> {
  const entries: RawEntry[] = [];
  const pieces: Buffer[] = [];
  for await (const piece of scanTar(inPieces(archive, size), (raw) => entries.push(raw)))
    pieces.push(piece);
  return [entries, Buffer.concat(pieces)];
}

describe("a scan of a tar archive", () => {
  it("passes on the archive up to its end mark, whatever comes after", async () => {
    const archive = Buffer.concat([entry("a", "x"), entry("b", "y".repeat(1000)), END]);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.nat(2000), async (rest, size) => {
        const upload = Buffer.concat([archive, rest]);
        const [entries, passedOn] = await scanned(upload, size + 1);
        assert.deepEqual(
          entries.map(({ path }) => path),
          ["a", "b"],
        );
        assert.deepEqual(passedOn, archive);
      }),
    );
  });

  it("never lets anything but a JobctlError out, whatever the bytes are", async () => {
    const archive = Buffer.concat([
      new Pax({ path: "long/".repeat(60), size: 3 }).encode(),
      entry("a", "xyz"),
      entry("l", "", "Link", "a"),
      END,
    ]);
    const change = fc.tuple(fc.nat(archive.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 4 }), async (changes) => {
        const changed = Buffer.from(archive);
        for (const [at, byte] of changes) changed[at] = byte;
        for (let at = 0; at < changed.length; at += BLOCK) sign(changed.subarray(at, at + BLOCK));
        const ended = await scanned(changed).catch((error: { code: string }) => error.code);
        if (typeof ended === "string") assert.match(ended, /^archive_/);
      }),
      { numRuns: 2000 },
    );
  });

  it("takes names from extended headers as they are, also with a line break", async () => {
    const name = `${"d".repeat(120)}\nÄ`;
    const [[found]] = await scanned(
      Buffer.concat([new Pax({ path: name }).encode(), entry("short"), END]),
    );
    assert.equal(found?.path, name);
  });

  it("does not take the value of one record for another record", async () => {
    const value = "\n13 path=evil\n";
    const record = `comment=${value}`;
    const body = `${record.length + 4} ${record}\n`;
    const [[found]] = await scanned(
      Buffer.concat([entry("x", body, "ExtendedHeader"), entry("honest"), END]),
    );
    assert.equal(found?.path, "honest");
  });

  for (const body of [
    "x",
    "0 a=b\n",
    "99 path=a\n",
    "9 path=a\n\n",
    "13 path=evil",
    "10 size=-1\n",
  ])
    it(`refuses the extended header ${JSON.stringify(body)}`, async () => {
      const archive = Buffer.concat([entry("x", body, "ExtendedHeader"), entry("f"), END]);
      await assert.rejects(scanned(archive), { code: "archive_invalid" });
    });
});

describe("an archive with more than an archive", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "jobctl-scan-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("is read to its end by whoever unpacks it, so that its digest can be checked there", async () => {
    async function* damaged(archive: Buffer, rest: Buffer): AsyncGenerator<Buffer> {
      yield archive;
      yield rest;
      throw new Error("the digest is wrong");
    }
    const tar = Buffer.concat([entry("a", "x"), END]);
    for (const archive of [tar, gzipSync(tar)])
      for (const rest of [Buffer.alloc(0), Buffer.alloc(400_000)]) {
        const unpacking = unpackArchive(damaged(archive, rest), root, { limits: NO_LIMITS });
        await assert.rejects(unpacking, /digest is wrong/);
        await rm(join(root, "a"), { force: true });
      }
    const upload = Buffer.concat([entry("a", "x"), END, Buffer.from("trailing")]);
    await unpackArchive(inPieces(upload, 700), root, { limits: NO_LIMITS });
    assert.deepEqual(await readdir(root), ["a"]);
  });

  it("is unpacked under the names that were checked", async () => {
    const name = `${"d".repeat(120)}\nÄ`;
    const archive = Buffer.concat([new Pax({ path: name }).encode(), entry("short", "x"), END]);
    await unpackArchive(inPieces(archive, 100), root, { limits: NO_LIMITS });
    assert.equal(await readFile(join(root, name), "utf8"), "x");
    assert.deepEqual(await readdir(root), [name]);
  });

  it("is not at fault when its folder is gone, or cannot be used", async () => {
    const archive = Buffer.concat([entry("a/b", "x"), END]);
    const unpacked = (folder: string): Promise<void> =>
      unpackArchive(inPieces(archive, 100), join(root, folder), { limits: NO_LIMITS });
    await assert.rejects(unpacked("none"), { code: "ENOENT" });
    await writeFile(join(root, "file"), "");
    await assert.rejects(unpacked("file"), { code: "ENOTDIR" });
  });

  it("has no more names than the limit", async () => {
    const archive = Buffer.concat([entry("run.sh"), entry("12345"), entry("6789"), END]);
    const limits = { maxEntries: 9, maxExtractedBytes: 9, maxNameBytes: 14 };
    await assert.rejects(inspectArchive(inPieces(archive, 512), limits), {
      code: "archive_too_many_entries",
      message: 'the names up to "6789" add up to more than 14 bytes',
    });
  });
});

describe("a stored result whose links do not end", () => {
  for (const [what, archive] of [
    ["to itself", [entry("a", "", "Link", "a")]],
    ["to each other", [entry("b", "", "Link", "a"), entry("a", "", "Link", "b")]],
    ["to a later file", [entry("a", "", "Link", "f"), entry("f", "x")]],
  ] as const)
    it(`is searched in a bounded number of steps: ${what}`, async () => {
      const path = join(tmpdir(), `jobctl-links-${process.pid}.tar`);
      await writeFile(path, Buffer.concat([...archive, END]));
      const file = await open(path);
      try {
        const found = await findInTar(file, "a");
        assert.notEqual(found?.type, "file");
        await assert.rejects(inspectResult(file), { code: "archive_unsafe_entry" });
      } finally {
        await file.close();
        await rm(path);
      }
    });
});

/** Puts the right checksum into a block that may be a header. */
function sign(block: Buffer): void {
  if (block.every((byte) => byte === 0)) return;
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}
