import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { JobctlError } from "@jobctl/protocol";

import { ProblemLog } from "./problem-log.js";

describe("a problem that goes on", () => {
  it("is logged once for each cause, and again after a while with a count", () => {
    const lines: unknown[] = [];
    let nowMs = 0;
    const log = new ProblemLog({ warn: (facts: object) => void lines.push(facts) }, () => nowMs);
    const full = new JobctlError("storage_full", "no space");
    for (let n = 0; n < 1000; n += 1) log.note("collect_failed", "agent-1", full, { jobId: n });
    log.note("collect_failed", "agent-2", full);
    log.note("collect_failed", "agent-1", new JobctlError("digest_mismatch", "wrong"));
    nowMs = 600_000;
    log.note("collect_failed", "agent-1", full, { jobId: 1000 });
    assert.deepEqual(
      lines.map((line) => {
        const { code, jobId, repeats } = line as Record<string, unknown>;
        return [code, jobId, repeats];
      }),
      [
        ["storage_full", 0, 0],
        ["storage_full", undefined, 0],
        ["digest_mismatch", undefined, 0],
        ["storage_full", 1000, 999],
      ],
    );
  });
});
