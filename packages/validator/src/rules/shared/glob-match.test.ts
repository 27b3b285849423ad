import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { globMatcher } from "./glob-match.js";

describe("globMatcher", () => {
  it("matches what the shell would match", () => {
    const matching = [
      ["/etc/shadow", "/etc/shadow"],
      ["/e*/s?adow", "/etc/shadow"],
      ["/*t*c*/s*h*a*d*o*w*", "/etc/shadow"],
      ["/[e]tc/sh[[:lower:]]dow", "/etc/shadow"],
      ["/[!a]tc/[]s]hadow", "/etc/shadow"],
      ["/etc/@(passwd|sh@(a|b)dow)", "/etc/shadow"],
      [`/etc/${"@(".repeat(50)}shadow${")".repeat(50)}`, "/etc/shadow"],
      [`/etc/sh[${"b".repeat(5000)}a]dow`, "/etc/shadow"],
      ["/etc/shado{a..z}", "/etc/shadow"],
      ["/home/*/.s*", "/home/me/.ssh"],
    ];
    for (const [pattern = "", path = ""] of matching)
      assert.ok(globMatcher(pattern)(path), pattern);
  });

  it("leaves other paths alone", () => {
    const others = [
      ["/etc/*", "/etc/ssh/key"],
      ["/home/me/*", "/home/me/.netrc"],
      ["/etc/sh?dow", "/etc/shdow"],
      ["/etc/[shadow", "/etc/shadow"],
      ["*", "/etc/shadow"],
    ];
    for (const [pattern = "", path = ""] of others) assert.ok(!globMatcher(pattern)(path), pattern);
  });

  it("takes steps in proportion to both lengths", () => {
    const stars = "*a".repeat(2000);
    assert.equal(globMatcher(`/${stars}b`)(`/${"a".repeat(4000)}`), false);
    for (const piece of ["[", "@(", "{", "{a", "[[:"])
      assert.equal(globMatcher(piece.repeat(100_000))("/etc"), false);
  });
});
