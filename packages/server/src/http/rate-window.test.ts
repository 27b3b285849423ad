import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { RateWindows } from "./rate-window.js";

describe("the window of a rate limit", () => {
  it("counts each address by itself, and begins anew when it is over", () => {
    let nowMs = 0;
    const windows = new RateWindows(undefined, () => nowMs);
    const ask = (address: string): unknown[] => {
      const answers: unknown[] = [];
      windows.incr(address, (_error, result) => answers.push(result?.current, result?.ttl), 1000);
      return answers;
    };
    assert.deepEqual(ask("a"), [1, 1000]);
    nowMs = 400;
    assert.deepEqual(ask("a"), [2, 600]);
    assert.deepEqual(ask("b"), [1, 1000]);
    nowMs = 1000;
    assert.deepEqual(ask("a"), [1, 1000]);
    assert.deepEqual(ask("b"), [2, 400]);
  });

  it("forgets the addresses that asked longest ago", () => {
    const windows = new RateWindows(undefined, () => 0);
    const counts: (number | undefined)[] = [];
    const ask = (address: string): void =>
      windows.incr(address, (_error, result) => void counts.push(result?.current));
    for (let n = 0; n <= 5000; n += 1) ask(`address ${n}`);
    ask("address 0");
    ask("address 5000");
    assert.deepEqual(counts.slice(-2), [1, 2]);
  });
});
