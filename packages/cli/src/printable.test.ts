import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { printable, printableLines, toPrintableJson } from "./printable.js";

/** What a terminal may act upon, but for line ends and tabs. */
// oxlint-disable-next-line no-control-regex
const ACTS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe("printable text", () => {
  it("spells control characters out", () => {
    assert.equal(
      printable("a\u001b[2J\n\u009b1m\u202eb ü名😀"),
      "a\\x1b[2J\\x0a\\x9b1m\\u202eb ü名😀",
    );
    assert.equal(printableLines("a\tb\nc\r\u0007"), "a\tb\nc\\x0d\\x07");
  });

  it("holds nothing that a terminal acts upon", () => {
    const text = fc.string({
      unit: fc.integer({ min: 0, max: 0x2100 }).map((n) => String.fromCharCode(n)),
    });
    fc.assert(
      fc.property(text, (any) => {
        assert.doesNotMatch(printable(any), ACTS);
        assert.doesNotMatch(printable(any), /[\n\t]/);
        assert.doesNotMatch(printableLines(any), ACTS);
        assert.doesNotMatch(toPrintableJson({ any }), ACTS);
        assert.deepEqual(JSON.parse(toPrintableJson({ [any]: any })), { [any]: any });
      }),
      { numRuns: 2000 },
    );
  });
});
