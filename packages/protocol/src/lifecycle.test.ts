import assert from "node:assert/strict";
import { describe, it } from "node:test";

import {
  JOB_STATUSES,
  OUTCOME_REASONS,
  TERMINAL_STATUSES,
  TRANSITIONS,
  isTerminal,
  statusForOutcome,
  statusesBefore,
  type JobStatus,
} from "./lifecycle.js";

describe("the lifecycle", () => {
  it("leaves no terminal status", () => {
    for (const status of TERMINAL_STATUSES) assert.deepEqual(TRANSITIONS[status], []);
  });

  it("leads from every other status to an end, and back to the queue", () => {
    for (const status of JOB_STATUSES.filter((candidate) => !isTerminal(candidate))) {
      const reached = reachableFrom(status);
      assert.ok(
        TERMINAL_STATUSES.every((end) => reached.has(end)),
        status,
      );
      assert.ok(reached.has("queued"), status);
    }
  });

  it("starts an attempt only from the queue", () => {
    assert.deepEqual(statusesBefore("dispatched"), ["queued"]);
  });

  it("completes only what has been collected", () => {
    for (const end of ["completed", "failed", "invalid", "timed_out"] as const) {
      assert.deepEqual(statusesBefore(end), ["collecting"]);
    }
  });

  it("gives every outcome a status that ends the job", () => {
    for (const reason of OUTCOME_REASONS) assert.ok(isTerminal(statusForOutcome(reason, 1)));
    assert.equal(statusForOutcome("exited", 0), "completed");
    assert.equal(statusForOutcome("exited", 1), "failed");
    assert.equal(statusForOutcome("timed_out", 0), "timed_out");
  });
});

function reachableFrom(start: JobStatus): Set<JobStatus> {
  const reached = new Set<JobStatus>();
  const open = [start];
  for (let status = open.pop(); status !== undefined; status = open.pop()) {
    for (const next of TRANSITIONS[status]) {
      if (reached.has(next)) continue;
      reached.add(next);
      open.push(next);
    }
  }
  return reached;
}
