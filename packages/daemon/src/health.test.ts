import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";

import type { HealthCheck, TaskHealth } from "@jobctl/protocol";

import { EventLoopWatch, healthOf } from "./health.js";

const check = (ok: boolean, critical: boolean): HealthCheck => ({
  ...{ ok, critical },
  message: null,
  ageSeconds: null,
});
const task = (ok: boolean): TaskHealth => ({
  ...{ ok, everySeconds: 1 },
  lastSuccessAt: null,
  ageSeconds: null,
  problem: null,
});

describe("health", () => {
  const cases: [string, HealthCheck[], TaskHealth[], "draining" | null, string][] = [
    ["all is well", [check(true, true), check(true, false)], [task(true)], null, "ok"],
    ["what it needs fails", [check(false, true), check(false, false)], [], null, "unavailable"],
    ["something else fails", [check(true, true), check(false, false)], [], null, "degraded"],
    ["a task fails", [check(true, true)], [task(false)], null, "degraded"],
    ["it goes down", [check(false, true)], [], "draining", "draining"],
  ];
  for (const [when, checks, tasks, state, expected] of cases)
    it(`is ${expected} when ${when}`, () => {
      const facts = { name: "x", startedMs: 0, state };
      const named = <T>(items: T[]): Record<string, T> =>
        Object.fromEntries(items.map((item, index) => [`${index}`, item]));
      const { status } = healthOf({ ...facts, checks: named(checks), tasks: named(tasks) });
      assert.equal(status, expected);
    });
});

describe("the watch over the event loop", () => {
  it("gives up on a process that is late again and again, not on one that was late once", () => {
    mock.timers.enable({ apis: ["setInterval"] });
    let now = 0;
    const clock = mock.method(performance, "now", () => now);
    const watch = new EventLoopWatch();
    const turn = (lateMs: number): boolean => {
      now += 1000 + lateMs;
      mock.timers.tick(1000);
      return watch.check.ok;
    };
    try {
      assert.deepEqual([turn(0), turn(60_000), turn(3)], [true, true, true]);
      for (let n = 1; n < 5; n += 1) assert.equal(turn(6000), true);
      assert.equal(turn(6000), false);
      assert.equal(watch.check.message, "6000 ms late");
      assert.equal(turn(0), true);
    } finally {
      watch.stop();
      clock.mock.restore();
      mock.timers.reset();
    }
  });
});
