import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

import { CircuitBreaker } from "./circuit-breaker.js";

describe("a circuit breaker", () => {
  let now: number;
  let changes: string[];
  let breaker: CircuitBreaker;
  const fail = (times: number): void => {
    for (let n = 0; n < times; n += 1) breaker.failed();
  };
  beforeEach(() => {
    now = 0;
    changes = [];
    breaker = new CircuitBreaker(
      { failures: 5, openMs: 60_000, successes: 3 },
      (state) => changes.push(state),
      () => now,
    );
  });

  it("opens after failures in a row, and not for single ones", () => {
    fail(4);
    breaker.succeeded();
    fail(4);
    assert.equal(breaker.state, "closed");
    breaker.failed();
    assert.deepEqual([breaker.state, breaker.retryAfterMs, changes], ["open", 60_000, ["open"]]);
  });

  it("tries again after a while, and closes after successes in a row", () => {
    fail(5);
    now = 59_999;
    assert.equal(breaker.state, "open");
    now = 60_000;
    assert.equal(breaker.state, "half_open");
    breaker.succeeded();
    breaker.succeeded();
    assert.equal(breaker.state, "half_open");
    breaker.succeeded();
    assert.deepEqual([breaker.state, changes], ["closed", ["open", "closed"]]);
  });

  it("opens again at the first failure while half open", () => {
    fail(5);
    now = 60_000;
    breaker.succeeded();
    breaker.failed();
    assert.deepEqual([breaker.state, breaker.retryAfterMs], ["open", 60_000]);
    now = 120_000;
    breaker.succeeded();
    breaker.succeeded();
    assert.equal(breaker.state, "half_open", "successes from before do not count");
  });

  it("does not stay open longer for calls that were under way", () => {
    fail(5);
    now = 30_000;
    fail(5);
    assert.equal(breaker.retryAfterMs, 30_000);
  });

  it("closes when it is told to", () => {
    fail(5);
    breaker.reset();
    assert.deepEqual([breaker.state, breaker.failures], ["closed", 0]);
  });
});
