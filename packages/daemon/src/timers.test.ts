import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { LONGEST_TIMER_MS, callAfter } from "./timers.js";

const DAY_MS = 24 * 60 * 60 * 1000;

describe("a call after a time", () => {
  for (const ms of [0, 1000, LONGEST_TIMER_MS, LONGEST_TIMER_MS + 1, 60 * DAY_MS, 400 * DAY_MS])
    it(`of ${ms} ms comes then, and once`, ({ mock }) => {
      mock.timers.enable({ apis: ["setTimeout"] });
      let calls = 0;
      callAfter(ms, () => (calls += 1));
      for (let left = ms - 1; left > 0; left -= LONGEST_TIMER_MS)
        mock.timers.tick(Math.min(left, LONGEST_TIMER_MS));
      assert.equal(calls, 0);
      mock.timers.tick(1);
      assert.equal(calls, 1);
      mock.timers.tick(LONGEST_TIMER_MS);
      assert.equal(calls, 1);
    });

  it("can be called off, also after the first of its timers", ({ mock }) => {
    mock.timers.enable({ apis: ["setTimeout"] });
    let calls = 0;
    const callOff = callAfter(60 * DAY_MS, () => (calls += 1));
    mock.timers.tick(LONGEST_TIMER_MS);
    callOff();
    mock.timers.tick(60 * DAY_MS);
    assert.equal(calls, 0);
  });
});
