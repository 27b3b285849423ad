import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { TokenBucket } from "./token-bucket.js";

describe("a token bucket", () => {
  it("lets a burst pass, then makes callers wait for as long as the tokens take to come back", () => {
    let nowMs = 0;
    const bucket = new TokenBucket(10, 5, () => nowMs);
    assert.equal(bucket.take(10), 0);
    assert.equal(bucket.take(5), 1000);
    nowMs = 1000;
    assert.equal(bucket.take(0), 0);
    nowMs = 60_000;
    assert.equal(bucket.take(10), 0);
    assert.equal(bucket.take(1), 200);
  });

  it("never lets more pass than a burst and the rate allow", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (takes) => {
        let nowMs = 0;
        let taken = 0;
        const bucket = new TokenBucket(10, 5, () => nowMs);
        for (const tokens of takes) {
          nowMs += bucket.take(tokens);
          taken += tokens;
          assert.ok(taken <= 10 + (nowMs / 1000) * 5 + 1e-6);
        }
      }),
    );
  });
});
