import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { describe, it } from "node:test";

import { JobctlError } from "@jobctl/protocol";

import { ArchiveReader } from "./archive-reader.js";

async function* failing(problem: Error): AsyncGenerator<Buffer> {
  yield Buffer.from("begin");
  await Promise.resolve();
  throw problem;
}

const read = async (archive: ArchiveReader): Promise<Error | null> => {
  const body = Readable.from(archive.read());
  body.resume();
  return finished(body).then(
    () => null,
    (error: unknown) => error as Error,
  );
};

describe("an archive that is sent", () => {
  it("and cannot be read to its end says so, with an error that is no agent's", async () => {
    const archive = new ArchiveReader(() => failing(new Error("EIO: i/o error, read")));
    const error = await read(archive);
    assert.ok(error instanceof JobctlError);
    assert.equal(error.code, "file_system");
    assert.match(error.message, /EIO/);
    assert.equal(archive.error, error);
  });

  it("and is damaged keeps the code of that", async () => {
    const damage = new JobctlError("blob_damaged", "it has changed");
    const archive = new ArchiveReader(() => failing(damage));
    assert.equal(await read(archive), damage);
    assert.equal(archive.error, damage);
  });

  it("to a receiver that goes away was read without an error", async () => {
    const archive = new ArchiveReader(() => Readable.from([Buffer.alloc(10), Buffer.alloc(10)]));
    const body = Readable.from(archive.read());
    for await (const piece of body) {
      assert.ok(piece);
      body.destroy(new Error("socket hang up"));
      break;
    }
    await finished(body).catch(() => {});
    assert.equal(archive.error, null);
    assert.equal(await read(archive), null);
  });
});
