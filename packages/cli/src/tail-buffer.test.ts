import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { TailBuffer } from "./tail-buffer.js";

describe("a tail", () => {
  const tail = (lines: number, ...chunks: string[]): string => {
    const buffer = new TailBuffer(lines);
    for (const chunk of chunks) buffer.add(Buffer.from(chunk));
    return buffer.content.toString();
  };

  it("is the last lines, however the stream is cut", () => {
    assert.equal(tail(2, "a\nb\nc\n"), "b\nc\n");
    assert.equal(tail(2, "a\nb", "\nc", "\n"), "b\nc\n");
    assert.equal(tail(1, "a\nb"), "b");
    assert.equal(tail(5, "a\nb\n"), "a\nb\n");
    assert.equal(tail(0, "a\n"), "");
    assert.equal(tail(Infinity, "a\n", "b\n"), "a\nb\n");
  });
});
