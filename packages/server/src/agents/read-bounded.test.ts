import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { readLines, readText } from "./read-bounded.js";

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all = [];
  for await (const line of lines) all.push(line);
  return all;
}

describe("lines", () => {
  it("are the same in whatever pieces they arrive", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", " "))),
        fc.array(fc.nat(20)),
        async (texts, sizes) => {
          const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(""));
          assert.deepEqual(await collect(readLines(inPieces(bytes, sizes), () => 10_000)), texts);
        },
      ),
    ));

  it("end with an error at the first byte too many, however they arrive", async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      for (;;) {
        sent += 1;
        yield Buffer.from(" ");
      }
    }
    await assert.rejects(collect(readLines(endless(), () => 100_000)), {
      code: "agent_answer_invalid",
      message: /more than 100000 bytes/,
    });
    assert.equal(sent, 100_001);
    const line = Buffer.from(`${"x".repeat(11)}\n`);
    await assert.rejects(collect(readLines(inPieces(line, []), () => 10)), /more than 10 bytes/);
  });

  it("that are incomplete at the end are not lines", async () => {
    const cut = Buffer.from('{"a":1}\n{"b"');
    assert.deepEqual(await collect(readLines(inPieces(cut, [3, 5]), () => 100)), ['{"a":1}']);
  });
});

describe("an answer", () => {
  it("is read up to its bound", async () => {
    const bytes = Buffer.from("x".repeat(5000));
    assert.equal((await readText(inPieces(bytes, [1, 4096]), 5000)).length, 5000);
    await assert.rejects(readText(inPieces(bytes, []), 4999), { code: "agent_answer_invalid" });
  });
});
