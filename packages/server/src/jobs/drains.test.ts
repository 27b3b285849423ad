import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";

import type { Drain } from "../store/drain-store.js";
import { Drains } from "./drains.js";

const HOUR_MS = 60 * 60 * 1000;

describe("drains", () => {
  /** @returns milliseconds after which a drain that was stored has reached its deadline */
  function waitedMs(leftMs: number, deadlineMs: number): number {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1000 * HOUR_MS });
    try {
      const deadlineAt = Date.now() + leftMs;
      const stored: Drain = { agent: "a", since: 0, deadlineAt, deadlineMs };
      const reached: string[] = [];
      const drains = new Drains({
        store: { list: () => [stored], put() {}, remove: () => true },
        onDeadline: (agent) => void reached.push(agent),
        onChange() {},
      });
      let waited = 0;
      for (; reached.length === 0 && waited < 3 * HOUR_MS; waited += 60_000)
        mock.timers.tick(60_000);
      drains.stop();
      return waited;
    } finally {
      mock.timers.reset();
    }
  }

  it("keep their deadline over a restart", () => {
    assert.equal(waitedMs(10 * 60_000, HOUR_MS), 10 * 60_000);
  });

  it("do not last longer than they were meant to when the clock has been set back", () => {
    assert.equal(waitedMs(2 * HOUR_MS, 10 * 60_000), 10 * 60_000);
  });
});
