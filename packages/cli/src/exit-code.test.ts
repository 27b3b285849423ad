import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Job } from "@jobctl/protocol";

import { exitCodeOf, firstFailure } from "./exit-code.js";

const outcome = (exitCode: number | null, signal: string | null): Job["outcome"] => ({
  reason: "exited",
  exitCode,
  signal,
  message: null,
});

describe("the exit code", () => {
  const cases = [
    ["completed", outcome(0, null), 0],
    ["failed", outcome(7, null), 7],
    ["failed", outcome(null, "SIGKILL"), 137],
    ["failed", outcome(null, "SIGTERM"), 143],
    ["failed", outcome(null, null), 100],
    ["failed", outcome(0, null), 100],
    ["invalid", outcome(null, null), 105],
    ["timed_out", outcome(null, "SIGKILL"), 104],
    ["cancelled", outcome(0, null), 103],
    ["lost", null, 106],
    ["running", null, 101],
  ] as const;
  for (const [status, ended, expected] of cases) {
    it(`of a job that is ${status} (${JSON.stringify(ended)}) is ${expected}`, () => {
      assert.equal(exitCodeOf({ status, outcome: ended }), expected);
    });
  }

  it("of several jobs is the first that is not zero", () => {
    assert.equal(firstFailure([0, 3, 7]), 3);
    assert.equal(firstFailure([]), 0);
  });
});
