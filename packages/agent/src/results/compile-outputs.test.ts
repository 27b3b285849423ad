import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { compileOutputs } from "./compile-outputs.js";

describe("the outputs of an attempt", () => {
  it("are everything when no pattern is given", () => {
    assert.equal(compileOutputs([])("any/path"), true);
  });

  it("are what at least one pattern matches", () => {
    const wanted = compileOutputs(["*.csv", "plots/**"]);
    assert.deepEqual(["a.csv", "plots/b/c.png", "b/a.csv"].map(wanted), [true, true, false]);
  });

  it("are everything when a pattern is not valid any more", () => {
    const wanted = compileOutputs(["@(a|b)", "*.csv"]);
    assert.deepEqual(["a", "c.txt"].map(wanted), [true, true]);
  });
});
