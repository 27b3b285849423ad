import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { bounded } from "./bounded.js";
import { adversaries, patternsOfPackage, type FoundPattern } from "./patterns.test-support.js";

/** Lengths that are compared: four times the text is to take about four times as long. */
const SHORT = 2000;
const LONG = 4 * SHORT;
/** Below this nothing can be told of growth. */
const NOTICEABLE_MS = 20;
/** Growth of what takes the square of the length is sixteen. */
const MAX_GROWTH = 10;

/** Longest line that is searched. */
const MAX_LINE = 4000;

/** What these files search has been through `bounded`: no line is longer than 4000 characters. */
const SEARCH_BOUNDED = new Set(["rules/shared/inline-code.js"]);

function durationOf({ pattern }: FoundPattern, text: string): number {
  const began = performance.now();
  pattern.lastIndex = 0;
  if (pattern.global) text.replace(pattern, "");
  else pattern.test(text);
  return performance.now() - began;
}

/** The shortest of a few runs: others use the machine as well. */
const shortest = (found: FoundPattern, text: string): number =>
  Math.min(...Array.from({ length: 4 }, () => durationOf(found, text)));

describe("the regular expressions of the package", () => {
  const patterns = patternsOfPackage();

  it("take no more than proportionally longer for a longer text", (t) => {
    assert.ok(patterns.length > 200, `${patterns.length} found`);
    const slow: string[] = [];
    for (const found of patterns.filter(({ file }) => !SEARCH_BOUNDED.has(file))) {
      const short = adversaries(found.pattern, SHORT);
      for (const [at, text] of adversaries(found.pattern, LONG).entries()) {
        if (durationOf(found, text) < NOTICEABLE_MS) continue;
        const ms = shortest(found, text);
        const growth = ms / shortest(found, short[at] ?? "");
        if (ms < NOTICEABLE_MS || growth < MAX_GROWTH) continue;
        const on = JSON.stringify(text.slice(0, 20));
        slow.push(`${found.file}: ${found.pattern} on ${on}: ${growth.toFixed(1)} times`);
      }
    }
    assert.deepEqual(slow, []);
    t.diagnostic(`${patterns.length} regular expressions`);
  });

  it("are searched in texts that are bounded where they take longer", () => {
    for (const found of patterns.filter(({ file }) => SEARCH_BOUNDED.has(file)))
      for (const text of adversaries(found.pattern, MAX_LINE))
        assert.ok(
          durationOf(found, bounded(text.slice(0, MAX_LINE))) < 5000,
          `${found.file}: ${found.pattern}`,
        );
  });
});
