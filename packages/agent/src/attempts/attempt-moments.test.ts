import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";

import type { AttemptReport } from "@jobctl/protocol";

import { NOT_STARTED, aged, finished, started, withAges } from "./attempt-moments.js";

const HOUR_MS = 3_600_000;
const REPORT: AttemptReport = {
  ...{ id: "1.1", state: "accepted", startedAt: null, finishedAt: null },
  ...{ outcome: null, findings: [], usage: null, result: null },
};

describe("the moments of an attempt", () => {
  for (const jumpMs of [HOUR_MS, -HOUR_MS]) {
    it(`keep its end after its start when the clock is set by ${jumpMs} ms`, () => {
      const before = Date.now();
      const start = started();
      mock.timers.enable({ apis: ["Date"], now: before + jumpMs });
      const end = finished(start.moments, { startedAt: start.startedAt, finishedAt: null });
      mock.timers.reset();
      const ranMs = Date.parse(end.finishedAt) - Date.parse(start.startedAt);
      assert.ok(ranMs >= 0 && ranMs < 60_000, `${ranMs} ms`);
    });
  }

  it("become ages that grow", () => {
    const { moments, startedAt } = started();
    const report = { ...REPORT, startedAt };
    const first = withAges(report, moments).ages;
    assert.ok(first?.startedSeconds != null && first.startedSeconds < 60);
    assert.equal(first.finishedSeconds, null);
    const later = aged(withAges(report, moments), 5000).ages;
    assert.ok((later?.startedSeconds ?? 0) >= first.startedSeconds + 5);
  });

  it("tell nothing after a start of the machine", () => {
    const { moments, startedAt } = started();
    const { ms } = moments.started ?? { ms: 0 };
    const earlier = { ...NOT_STARTED, started: { boot: "earlier", ms } };
    assert.equal(withAges({ ...REPORT, startedAt }, earlier).ages, undefined);
  });

  it("of an attempt that was never started are not there", () => {
    const { ages } = withAges(REPORT, NOT_STARTED);
    assert.deepEqual(ages, { startedSeconds: null, finishedSeconds: null });
  });
});
