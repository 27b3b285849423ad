import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { formatBytes, formatDuration, parseDuration, parseSize } from "./units.js";

describe("units", () => {
  it("of time are read and written", () => {
    for (const [text, seconds] of [
      ["90", 90],
      ["2s", 2],
      ["1h30m", 5400],
      ["1d", 86_400],
    ] as const) {
      assert.equal(parseDuration(text), seconds);
    }
    for (const text of ["", "1x", "h", "1h 30m", "1h30", "-5", "1.5h", "36501d", "9".repeat(400)])
      assert.throws(() => parseDuration(text), { code: "usage" });
    assert.deepEqual([0.04, 59.6, 125, 7260, 90_000].map(formatDuration), [
      "0.0s",
      "1m 0s",
      "2m 5s",
      "2h 1m",
      "1d 1h",
    ]);
  });

  it("of size are read and written", () => {
    for (const [text, bytes] of [
      ["10", 10],
      ["1K", 1024],
      ["1.5G", 1.5 * 1024 ** 3],
      ["4GiB", 4 * 1024 ** 3],
      ["2mb", 2 * 1024 ** 2],
    ] as const) {
      assert.equal(parseSize(text), bytes);
    }
    for (const text of ["", "G", "4X", "-1"])
      assert.throws(() => parseSize(text), { code: "usage" });
    assert.deepEqual([0, 1023, 1024, 1536, 200 * 1024 ** 2].map(formatBytes), [
      "0 B",
      "1023 B",
      "1.0 KiB",
      "1.5 KiB",
      "200 MiB",
    ]);
  });
});
