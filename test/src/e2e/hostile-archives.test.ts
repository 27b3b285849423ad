import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { after, before, describe, it } from "node:test";
import { createGzip, gzipSync } from "node:zlib";

import { Cluster } from "../support/cluster.js";
import { shows } from "../support/shows.js";
import { emptyFiles, tarArchive, tarEntry, type TarEntry } from "../support/tar-bytes.js";

const RUN: TarEntry = { path: "run.sh", content: "true\n" };
const GIBIBYTE = 1024 ** 3;

/** Archives that must be refused, with what the refusal has to name. */
const REFUSED: readonly [string, Buffer, RegExp][] = [
  [
    "an absolute path",
    tarArchive([RUN, { path: "/tmp/jobctl-escaped", content: "x" }]),
    /"\/tmp\/jobctl-escaped" has an absolute path/,
  ],
  [
    "a path with ..",
    tarArchive([RUN, { path: "a/../../jobctl-escaped", content: "x" }]),
    /"a\/\.\.\/\.\.\/jobctl-escaped" has a "\.\." segment/,
  ],
  [
    "a symlink to an absolute path",
    tarArchive([RUN, { path: "l", type: "SymbolicLink", linkpath: "/etc" }]),
    /"l" is a symlink to .*"\/etc"/,
  ],
  [
    "a symlink out of the tree",
    tarArchive([RUN, { path: "d/l", type: "SymbolicLink", linkpath: "../../x" }]),
    /"d\/l" is a symlink to "\.\.\/\.\.\/x"/,
  ],
  [
    "a symlink through another",
    tarArchive([
      RUN,
      { path: "d/s", type: "SymbolicLink", linkpath: "." },
      { path: "l", type: "SymbolicLink", linkpath: "d/s/../.." },
    ]),
    /"l" is a symlink/,
  ],
  [
    "a hard link out of the tree",
    tarArchive([RUN, { path: "h", type: "Link", linkpath: "../../etc/passwd" }]),
    /"h" is a hard link to "\.\.\/\.\.\/etc\/passwd"/,
  ],
  [
    "a hard link to an absolute path",
    tarArchive([RUN, { path: "h", type: "Link", linkpath: "/etc/passwd" }]),
    /"h" is a hardlink to the absolute path/,
  ],
  [
    "a character device",
    tarArchive([RUN, { path: "null", type: "CharacterDevice" }]),
    /"null" is a character device/,
  ],
  [
    "a block device",
    tarArchive([RUN, { path: "disk", type: "BlockDevice" }]),
    /"disk" is a block device/,
  ],
  ["a fifo", tarArchive([RUN, { path: "pipe", type: "FIFO" }]), /"pipe" is a fifo/],
  [
    "a file below a link",
    tarArchive([
      RUN,
      { path: "s", type: "SymbolicLink", linkpath: "." },
      { path: "s/x", content: "x" },
    ]),
    /"s\/x" lies below "s", which is a symlink/,
  ],
  [
    "a link in the place of a file",
    tarArchive([
      RUN,
      { path: "f", content: "x" },
      { path: "f", type: "SymbolicLink", linkpath: "run.sh" },
    ]),
    /"f" is in the archive twice/,
  ],
  [
    "a link in the place of a folder",
    tarArchive([
      RUN,
      { path: "d/f", content: "x" },
      { path: "d", type: "SymbolicLink", linkpath: "." },
    ]),
    /"d" is in the archive twice/,
  ],
  [
    "a set-user-id bit",
    tarArchive([RUN, { path: "su", content: "x", mode: 0o4755 }]),
    /"su" has a set-user-id/,
  ],
  [
    "the reserved folder",
    tarArchive([RUN, { path: ".jobctl/report.json", content: "{}" }]),
    /\.jobctl.*jobctl keeps for itself/,
  ],
  [
    "a file that claims to be huge",
    tarArchive([RUN, { path: "huge", size: 64 * GIBIBYTE }]),
    /"huge" add up to .* bytes, the limit is/,
  ],
  [
    "no run.sh",
    tarArchive([{ path: "a/b/run.sh", content: "true\n" }]),
    /no run\.sh at its top level/,
  ],
  [
    "a directory named run.sh",
    tarArchive([{ path: "run.sh", type: "Directory" }]),
    /no run\.sh at its top level/,
  ],
  ["nothing in it", tarArchive([]), /empty|not a tar/],
  ["no bytes at all", Buffer.alloc(0), /empty/],
  [
    "gzip that is cut short",
    gzipSync(tarArchive([RUN, { path: "f", content: "x".repeat(100_000) }])).subarray(0, 200),
    /cut short/,
  ],
  [
    "a tar that is cut short",
    tarArchive([RUN, { path: "f", content: "x".repeat(5000) }]).subarray(0, 2048),
    /cut short/,
  ],
  [
    "something that is not a tar",
    Buffer.from("#!/bin/sh\necho this is a script\n".repeat(40)),
    /not a tar/,
  ],
  [
    "gzip of something that is not a tar",
    gzipSync(Buffer.from("hello ".repeat(1000))),
    /not a tar/,
  ],
  [
    "damaged gzip",
    Buffer.concat([gzipSync(tarArchive([RUN])).subarray(0, 20), Buffer.alloc(100, 7)]),
    /cannot be read/,
  ],
];

describe("a hostile archive", () => {
  let cluster: Cluster;
  let outside: string[];
  before(async () => {
    cluster = await Cluster.start({ agents: 0 });
    outside = await readdir("/tmp");
  });
  after(() => cluster.stop());

  for (const [what, archive, message] of REFUSED) {
    it(`with ${what} is refused, and leaves nothing`, async (t) => {
      shows(t, "hostile-archives-are-refused");
      const path = join(cluster.root, "hostile.tar");
      await writeFile(path, archive);
      await assertRefused(path, message);
    });
  }

  it("with a million empty entries is refused at the limit", async (t) => {
    shows(t, "hostile-archives-are-refused");
    const path = join(cluster.root, "million.tar.gz");
    const entries = function* () {
      yield tarEntry(RUN);
      yield* emptyFiles(1_000_000);
      yield Buffer.alloc(1024);
    };
    await pipeline(Readable.from(entries()), createGzip({ level: 1 }), createWriteStream(path));
    await assertRefused(path, /more than 100000 entries; entry "f0099999"/);
  });

  it("that is a gzip bomb is refused before it has expanded", async (t) => {
    shows(t, "hostile-archives-are-refused");
    const path = join(cluster.root, "bomb.tar.gz");
    const zeros = Buffer.alloc(1024 ** 2);
    const entries = function* () {
      yield tarEntry(RUN);
      yield tarEntry({ path: "zeros", size: 200 * GIBIBYTE });
      for (let n = 0; n < 256; n += 1) yield zeros;
    };
    await pipeline(Readable.from(entries()), createGzip({ level: 1 }), createWriteStream(path));
    await assertRefused(path, /"zeros" add up to \d+ bytes, the limit is \d+ bytes/);
  });

  it("does not keep an honest one from being taken", async () => {
    const path = join(cluster.root, "honest.tar");
    await writeFile(
      path,
      tarArchive([
        RUN,
        { path: "d", type: "Directory" },
        { path: "d/l", type: "SymbolicLink", linkpath: "../run.sh" },
        { path: "h", type: "Link", linkpath: "run.sh" },
      ]),
    );
    const { exitCode, stderr } = await cluster.jobctl(["submit", path]);
    assert.equal(exitCode, 0, stderr);
  });

  async function assertRefused(path: string, message: RegExp): Promise<void> {
    const { exitCode, stderr } = await cluster.jobctl(["submit", path]);
    assert.equal(exitCode, 105, stderr);
    assert.match(stderr, message);
    const { items } = JSON.parse(await cluster.ok(["status", "--json"]));
    assert.deepEqual(items, []);
    assert.deepEqual(await cluster.blobs(), []);
    assert.deepEqual(await cluster.temporaryFiles(), []);
    const added = (await readdir("/tmp")).filter(
      (name) => !outside.includes(name) && name.includes("escaped"),
    );
    assert.deepEqual(added, []);
  }
});
