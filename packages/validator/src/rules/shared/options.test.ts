import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { asksForHelp, parseOptions, verbOf } from "./options.js";

const parsed = (args: readonly string[], short: string, long: readonly string[] = []): unknown => {
  const { given, operands } = parseOptions(args, short, long);
  return [Object.fromEntries(given), operands];
};

describe("options", () => {
  it("are told from operands, alone, together and with values", () => {
    assert.deepEqual(parsed(["-ab", "-ofile", "-o", "other", "x"], "o:"), [
      { a: [""], b: [""], o: ["file", "other"] },
      ["x"],
    ]);
    assert.deepEqual(parsed(["-Is", "-s", "now"], "I::s:"), [{ I: ["s"], s: ["now"] }, []]);
    assert.deepEqual(parsed(["-I", "x"], "I::"), [{ I: [""] }, ["x"]]);
  });

  it("may be long", () => {
    assert.deepEqual(parsed(["--set=x", "--to", "y", "--all", "z"], "", ["to"]), [
      { set: ["x"], to: ["y"], all: [""] },
      ["z"],
    ]);
  });

  it("end at two dashes, and at the first operand where that is said", () => {
    assert.deepEqual(parsed(["a", "--", "-b"], ""), [{}, ["a", "-b"]]);
    assert.deepEqual(parsed(["-a", "b", "-c"], "+"), [{ a: [""] }, ["b", "-c"]]);
    assert.deepEqual(parsed(["-", "-c"], ""), [{ c: [""] }, ["-"]]);
  });

  it("do not take long to read, however many there are", () => {
    const { given } = parseOptions([`-${"a".repeat(1_000_000)}`, "-o"], "o:");
    assert.deepEqual(given.get("o"), [""]);
  });

  it("stand before what a command is to do", () => {
    assert.equal(verbOf(["-H", "host", "--user", "start", "x"], "H:"), "start");
    assert.equal(verbOf([]), "");
    assert.ok(asksForHelp(["--version"]));
    assert.ok(!asksForHelp(["--version", "x"]));
  });
});
