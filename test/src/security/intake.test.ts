import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { gzipSync } from "node:zlib";

import { Cluster } from "../support/cluster.js";
import { cpuSeconds } from "../support/cpu-seconds.js";
import { uploadOf } from "../support/direct-submits.js";
import { LyingAgent } from "../support/lying-agent.js";
import { shows } from "../support/shows.js";
import { tarArchive, tarEntry, type TarEntry } from "../support/tar-bytes.js";
import { waitUntil } from "../support/wait-until.js";

const RUN: TarEntry = { path: "run.sh", content: "true\n" };
const MEBIBYTE = 1024 ** 2;

/** A header block with these bytes in the place of others, and the right checksum. */
function withBytes(block: Buffer, changes: readonly [number, Buffer][]): Buffer {
  const changed = Buffer.from(block);
  for (const [at, bytes] of changes) bytes.copy(changed, at);
  changed.fill(" ", 148, 156);
  const sum = changed.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  changed.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return changed;
}

/** An extended header of this type with this body. */
function extension(type: "x" | "g" | "L", body: string | Buffer): Buffer {
  const entry = tarEntry({ path: "extension", content: body });
  return withBytes(entry, [[156, Buffer.from(type)]]);
}

const END = Buffer.alloc(1024);

/** Archives that are small and must neither be accepted nor cost much. */
const REFUSED: readonly [string, Buffer, RegExp][] = [
  [
    "gzip in gzip",
    gzipSync(gzipSync(tarArchive([RUN]))),
    /it is compressed with gzip twice; only a tar/,
  ],
  [
    "one directory, again and again",
    Buffer.concat([
      tarEntry(RUN),
      ...Array.from({ length: 100_010 }, () => tarEntry({ path: "d/", type: "Directory" })),
      END,
    ]),
    /more than 100000 entries; entry "d\/" is one too many/,
  ],
  [
    "a link with content",
    tarArchive([RUN, { path: "l", type: "Link", linkpath: "run.sh", content: "x" }]),
    /"l" is a hardlink with 1 bytes of content/,
  ],
  [
    "a hard link to itself",
    tarArchive([RUN, { path: "l", type: "Link", linkpath: "l" }]),
    /"l" is a hard link to "l", which is not an earlier file/,
  ],
  [
    "a path that no file system takes",
    tarArchive([RUN, { path: `${"a/".repeat(2000)}f` }]),
    /has a path of more than 3072 bytes/,
  ],
  [
    "a long name as GNU tar writes it",
    Buffer.concat([tarEntry(RUN), extension("L", "n".repeat(100_000)), tarEntry(RUN), END]),
    /a name has 100000 bytes, the limit is 3072 bytes/,
  ],
  [
    "an extended header of a megabyte",
    Buffer.concat([tarEntry(RUN), extension("x", Buffer.alloc(MEBIBYTE, "a")), END]),
    /an extended header has 1048576 bytes/,
  ],
  [
    "extended headers without an end",
    Buffer.concat([
      tarEntry(RUN),
      ...Array.from({ length: 1000 }, () => extension("x", "13 comment=a\n")),
      tarEntry({ path: "f" }),
      END,
    ]),
    /more than 8 extended headers in a row/,
  ],
  [
    "a global header that renames everything",
    Buffer.concat([extension("g", "13 path=evil\n"), tarEntry(RUN), END]),
    /a global header sets names or sizes/,
  ],
  [
    "a name in Latin-1",
    Buffer.concat([
      tarEntry(RUN),
      withBytes(tarEntry({ path: "n_me" }), [[1, Buffer.from([0xe4])]]),
      END,
    ]),
    /has a name that is not valid UTF-8/,
  ],
  [
    "a link to a name in Latin-1",
    Buffer.concat([
      tarEntry(RUN),
      withBytes(tarEntry({ path: "l", type: "SymbolicLink", linkpath: "n_me" }), [
        [158, Buffer.from([0xe4])],
      ]),
      END,
    ]),
    /whose target is not valid UTF-8/,
  ],
];

describe("the intake of archives", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({ agents: 0 });
  });
  after(() => cluster.stop());

  const upload = (archive: Buffer): Promise<Response> => {
    const { headers, body } = uploadOf(archive);
    return cluster.request("/v1/jobs", { method: "POST", headers, body });
  };

  for (const [what, archive, message] of REFUSED) {
    it(`refuses ${what}, and keeps nothing of it`, async (t) => {
      shows(t, "hostile-archives-are-refused");
      const answer = await upload(archive);
      const { error } = (await answer.json()) as { error: { message: string } };
      assert.equal(answer.status, 422, error.message);
      assert.match(error.message, message);
      assert.ok(JSON.stringify(error).length < 4000);
      assert.deepEqual(await cluster.blobs(), []);
      assert.deepEqual(await cluster.temporaryFiles(), []);
    });
  }

  it("reads no further than the end mark, and stores the upload as it came", async () => {
    const archive = gzipSync(Buffer.concat([tarArchive([RUN]), Buffer.alloc(128 * MEBIBYTE)]));
    const beforeSeconds = await cpuSeconds(cluster.server.pid);
    const answer = await upload(archive);
    const usedSeconds = (await cpuSeconds(cluster.server.pid)) - beforeSeconds;
    assert.equal(answer.status, 201);
    // What it took when all of it was unpacked and kept: half a minute.
    assert.ok(usedSeconds < 5, `${usedSeconds} s of CPU`);
    const { input } = (await answer.json()) as { input: { sha256: string; sizeBytes: number } };
    assert.equal(input.sizeBytes, archive.length);
    assert.deepEqual(await readFile(cluster.blobPath(input.sha256)), archive);
  });

  it("stops when the client leaves", async () => {
    const blobs = await cluster.blobs();
    const file = tarEntry({ path: "zeros", size: 8 * 1024 * MEBIBYTE });
    const archive = Buffer.concat([
      gzipSync(Buffer.concat([tarEntry(RUN), file])),
      // Each is a gzip member of its own, of 64 MiB when it is unpacked.
      ...Array.from({ length: 100 }, () => ZEROS),
    ]);
    const { headers, body } = uploadOf(archive);
    const outgoing = request(`${cluster.server.url}/v1/jobs`, {
      method: "POST",
      headers: { ...cluster.authorization, ...headers },
    });
    outgoing.on("error", () => {});
    outgoing.write(body.subarray(0, Math.floor(body.length * 0.9)));
    await waitUntil("it is being stored", async () => (await cluster.temporaryFiles()).length > 0);
    outgoing.destroy();
    await waitUntil("nothing is left", async () => (await cluster.temporaryFiles()).length === 0);
    await waitUntil("the server is idle", () => isIdle(cluster.server.pid));
    assert.deepEqual(await cluster.blobs(), blobs);
  });
});

const ZEROS = gzipSync(Buffer.alloc(64 * MEBIBYTE));

/** Whether a process uses next to no CPU for a moment. */
async function isIdle(pid: number): Promise<boolean> {
  const began = await cpuSeconds(pid);
  await delay(500);
  return (await cpuSeconds(pid)) - began < 0.2;
}

/** Results that break a rule, with what is said of each. */
const FORGED: readonly [string, Buffer, RegExp][] = [
  [
    "a hard link to itself",
    tarArchive([{ path: ".jobctl/stdout.log", type: "Link", linkpath: ".jobctl/stdout.log" }]),
    /"\.jobctl\/stdout\.log" is a hard link to/,
  ],
  [
    "two hard links to each other",
    tarArchive([
      { path: "a", type: "Link", linkpath: "b" },
      { path: "b", type: "Link", linkpath: "a" },
    ]),
    /"a" is a hard link to "b"/,
  ],
  [
    "a path out of the tree",
    tarArchive([{ path: "../../canary", content: "x" }]),
    /"\.\." segment/,
  ],
  [
    "a symlink out of the tree",
    tarArchive([{ path: "l", type: "SymbolicLink", linkpath: "/etc" }]),
    /"l" is a symlink to the absolute path/,
  ],
  ["a fifo", tarArchive([{ path: "pipe", type: "FIFO" }]), /"pipe" is a fifo/],
  [
    "an unknown type of entry",
    Buffer.concat([withBytes(tarEntry({ path: "v" }), [[156, Buffer.from("V")]]), END]),
    /"v" is a tape volume header/,
  ],
  ["a file larger than the archive", tarArchive([{ path: "f", size: 2 ** 40 }]), /cut short/],
  ["no end", tarEntry({ path: "f", content: "x" }), /cut short/],
  ["bytes after its end", Buffer.concat([tarArchive([]), Buffer.alloc(512)]), /512 bytes follow/],
  ["something that is no tar", Buffer.alloc(2048, "x"), /not a tar archive/],
  ["gzip", gzipSync(tarArchive([])), /cannot be read/],
];

describe("the intake of results", () => {
  let cluster: Cluster;
  const liar = new LyingAgent();
  before(async () => {
    cluster = await Cluster.start({ via: (url) => liar.standInFor(url) });
  });
  after(async () => {
    liar.close();
    await cluster.stop();
  });

  for (const [what, result, message] of FORGED) {
    it(`refuses ${what}: the job ends without a result, and says why`, async () => {
      liar.result = result;
      const blobs = await cluster.blobs();
      const id = await cluster.submitScript(`echo ${Buffer.from(what).toString("hex")}\n`);
      await waitUntil("it has ended", async () => (await cluster.job(id)).status === "completed");
      const { outcome } = await cluster.job(id);
      assert.match(outcome?.message ?? "", /the result from agent agent-1 was not stored: /);
      assert.match(outcome?.message ?? "", message);
      await waitUntil("it is acknowledged", () => liar.deleted.includes(`${id}.1`));
      for (const path of ["files", "files/.jobctl/stdout.log", "result"])
        assert.equal((await cluster.request(`/v1/jobs/${id}/${path}`)).status, 410);
      assert.equal((await cluster.request(`/v1/jobs/${id}/logs`)).status, 200);
      // One more: the input.
      assert.equal((await cluster.blobs()).length, blobs.length + 1);
      assert.deepEqual(await cluster.temporaryFiles(), []);
      const log = (await readFile(join(cluster.root, "server.log"), "utf8")).split("\n");
      assert.ok(
        log.some(
          (line) =>
            line.includes('"result_refused"') &&
            line.includes(`"jobId":${id},`) &&
            line.includes('"agent":"agent-1"') &&
            line.includes('"level":"error"'),
        ),
      );
    });
  }

  it("stores one that keeps the rules", async () => {
    liar.result = tarArchive([
      { path: ".jobctl", type: "Directory" },
      { path: ".jobctl/stdout.log", content: "out\n" },
      { path: "f", content: "content" },
      { path: "h", type: "Link", linkpath: "f" },
    ]);
    const id = await cluster.submitScript("echo honest\n");
    await waitUntil("it has ended", async () => (await cluster.job(id)).status === "completed");
    const answer = await cluster.request(`/v1/jobs/${id}/files/h`);
    assert.equal(await answer.text(), "content");
  });
});

describe("a listing of very many files", () => {
  let cluster: Cluster;
  const liar = new LyingAgent();
  beforeEach(async () => {
    cluster = await Cluster.start({ via: (url) => liar.standInFor(url) });
  });
  afterEach(async () => {
    liar.close();
    await cluster.stop();
  });

  it("is streamed whole, and stops when the client leaves", async () => {
    const count = 50_000;
    liar.result = tarArchive(
      Array.from({ length: count }, (_, n) => ({ path: `directory/file-${n}` })),
    );
    const id = await cluster.submitScript("true\n");
    await waitUntil("it has ended", async () => (await cluster.job(id)).status === "completed");
    const answer = await cluster.request(`/v1/jobs/${id}/files`);
    assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
    const { items } = (await answer.json()) as { items: { path: string }[] };
    assert.equal(items.length, count);
    assert.equal(items.at(-1)?.path, `directory/file-${count - 1}`);
    for (let n = 0; n < 20; n += 1) {
      const left = new AbortController();
      const listing = await cluster.request(`/v1/jobs/${id}/files`, { signal: left.signal });
      assert.equal(listing.status, 200);
      left.abort();
    }
    await waitUntil("the server is idle", () => isIdle(cluster.server.pid));
  });
});
