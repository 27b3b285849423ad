import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { parseRange } from "./range.js";

describe("a Range header for a file of 100 bytes", () => {
  const cases = [
    [undefined, null],
    ["bytes=0-9", { start: 0, end: 9 }],
    ["bytes=90-", { start: 90, end: 99 }],
    ["bytes=90-500", { start: 90, end: 99 }],
    ["bytes=-10", { start: 90, end: 99 }],
    ["bytes=-500", { start: 0, end: 99 }],
    ["bytes=100-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=9-0", null],
    ["bytes=-", null],
    ["bytes=0-1,5-6", null],
    ["lines=0-1", null],
  ] as const;
  for (const [header, expected] of cases) {
    it(`${header} is ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(parseRange(header, 100), expected);
    });
  }
});
