import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { backoffMs } from "./backoff.js";

describe("back-off", () => {
  const settings = { firstMs: 100, maxMs: 5000 };

  it("doubles up to its maximum, the upper half of it random", () => {
    assert.deepEqual(
      [1, 2, 3, 6, 7, 500].map((failures) => backoffMs(failures, settings, 0)),
      [50, 100, 200, 1600, 2500, 2500],
    );
    assert.equal(backoffMs(7, settings, 0.999999), 5000);
  });
});
