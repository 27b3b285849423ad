import assert from "node:assert/strict";
import type { TestContext } from "node:test";

import type { PromiseId } from "./promises.js";

/** What a test has tried, in words that fit a heading "what was tried", and how often. */
export interface Tried {
  readonly what: string;
  readonly times: number;
  /** What docs/compliance.md says instead of `times`, where that differs between runs. */
  readonly atLeast?: number;
}

/**
 * Says that this test shows a promise of docs/compliance.md, if it passes. Unit tests, which cannot import this,
 * write the same diagnostic: scripts/test-results.mjs has the format.
 *
 * @param tried without it, the title of the test, once
 * @throws AssertionError when it was tried less often than the page is to say
 */
export function shows(t: TestContext, promise: PromiseId, tried?: Tried): void {
  if (tried === undefined) return t.diagnostic(`promise ${promise}`);
  const { what, times, atLeast } = tried;
  assert.ok(times >= (atLeast ?? 1), `${times} ${what}, too few for ${promise}`);
  const often = atLeast === undefined ? `${times}` : `at least ${atLeast}`;
  t.diagnostic(`promise ${promise}: ${often} ${what}`);
}
