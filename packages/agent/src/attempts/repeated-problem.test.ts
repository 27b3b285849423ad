import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Logger } from "@jobctl/daemon";

import { RepeatedProblem } from "./repeated-problem.js";

describe("a problem that comes back", () => {
  it("is logged ever less often for each cause, with how often it has come", () => {
    const lines: unknown[] = [];
    const problems = new RepeatedProblem({
      error: ({ event, times }: { event: string; times: number }) => lines.push([event, times]),
    } as unknown as Logger);
    const full = Object.assign(new Error("full"), { code: "ENOSPC" });
    for (let n = 0; n < 1000; n += 1) problems.note({ event: "collect_waits" }, full);
    problems.note({ event: "collect_waits" }, Object.assign(new Error("gone"), { code: "ENOENT" }));
    assert.deepEqual(
      lines,
      [...[1, 2, 4, 8, 16, 32, 64, 128, 256, 512], 1].map((times) => ["collect_waits", times]),
    );
  });
});
