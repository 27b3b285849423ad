import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { MAX_GLOBS, compileGlobs, globProblem, globsProblem } from "./glob.js";

/** Pattern, what it matches, what it does not. */
const MATCHES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["out", ["out"], ["out/x", "ou", "outs", "Out"]],
  ["./out", ["out"], ["./out"]],
  ["out/**", ["out", "out/x", "out/x/y"], ["outer", "x/out"]],
  ["**", ["a", "a/b", ".a/.b"], []],
  ["**/*", ["a", "a/.b/c"], []],
  ["*", ["a", ".a", "a\nb"], ["a/b"]],
  ["*.csv", ["a.csv", ".csv"], ["a.csvx", "d/a.csv"]],
  ["**/*.csv", ["a.csv", "d/a.csv", "d/e/a.csv"], ["a.csv/b"]],
  ["a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "ab", "a/b/c"]],
  ["a/**/b/**/c", ["a/b/c", "a/b/b/c", "a/x/b/y/c"], ["a/c", "a/c/b"]],
  ["*/*", ["a/b"], ["a", "a/b/c"]],
  ["a?c", ["abc", "aüc", "a😀c"], ["ac", "abbc", "a/c"]],
  ["a*b*c", ["abc", "axbxc", "abbcc"], ["acb", "ab"]],
  ["[a-c]", ["a", "c"], ["d", "ab"]],
  ["[!a-c]", ["d", "😀"], ["a", ""]],
  ["[^a]", ["b"], ["a"]],
  ["[]a]", ["]", "a"], ["b"]],
  ["[!]a]", ["b"], ["]", "a"]],
  ["[a-]", ["a", "-"], ["b"]],
  ["[\\]x]", ["]", "x"], ["\\"]],
  ["[[:digit:]_]", ["1", "_"], ["a", ":"]],
  ["*[!😀]", ["a"], ["😀"]],
  ["{a,b/c}", ["a", "b/c"], ["c", "a/c"]],
  ["x{,.bak}", ["x", "x.bak"], ["x."]],
  ["{a,b}{1,2}", ["a1", "b2"], ["ab", "a"]],
  ["[{,}]", ["{", ",", "}"], ["a"]],
  ["{**,x}/y", ["y", "a/y", "x/y"], ["y/x"]],
  ["a\\*", ["a*"], ["ab"]],
  ["\\!a", ["!a"], ["a"]],
  ["\\{a,b\\}", ["{a,b}"], ["a"]],
  ["a(1).csv", ["a(1).csv"], ["a1.csv"]],
  ["a+", ["a+"], ["aa"]],
  ["((a+)+)+b", ["((a+)+)+b"], ["ab", "aab"]],
  ["a}b,c]", ["a}b,c]"], []],
  ["a|b^$.", ["a|b^$."], ["a", "b"]],
];

/** Pattern, and what is said of it. */
const PROBLEMS: readonly (readonly [string, RegExp])[] = [
  ["", /is empty/],
  ["a".repeat(1025), /1025 characters/],
  ["a\0", /NUL/],
  ["!a", /negated/],
  ["/a", /remove the first \//],
  ["a//b", /between two names/],
  ["a/", /folder\/\*\*/],
  ["{a,}/b", /between two names/],
  ["a/./b", /\. or \.\./],
  ["..", /\. or \.\./],
  ["{a,..}/b", /\. or \.\./],
  ["a**", /stand alone/],
  ["**.csv", /stand alone/],
  ["***", /stand alone/],
  ["@(a|b)", /extended/],
  ["a?(b)", /extended/],
  ["[a", /no closing \]/],
  ["[a/b]", /cannot hold a \//],
  ["[z-a]", /backwards/],
  ["[[:nothing:]]", /POSIX/],
  ["{a", /no closing \}/],
  ["{a}", /alternatives/],
  ["{1..3}", /alternatives/],
  ["{a,{b,c}}", /nested/],
  ["{1,2,3,4,5,6,7,8,9}{1,2,3,4,5,6,7,8}", /more than 64/],
  ["a\\", /ends in/],
  ["a\\/b", /without/],
];

describe("a glob", () => {
  for (const [glob, matching, others] of MATCHES) {
    it(`${JSON.stringify(glob)} matches as documented`, () => {
      const matches = compileGlobs([glob]);
      for (const path of matching) assert.equal(matches(path), true, JSON.stringify(path));
      for (const path of others) assert.equal(matches(path), false, JSON.stringify(path));
    });
  }

  for (const [glob, problem] of PROBLEMS) {
    it(`${JSON.stringify(glob.slice(0, 40))} is refused with a reason`, () => {
      assert.match(globProblem(glob) ?? "", problem);
      assert.throws(() => compileGlobs([glob]), RangeError);
    });
  }

  it("is one of a bounded number and length", () => {
    assert.equal(globsProblem(Array.from({ length: MAX_GLOBS }, () => "*")), null);
    assert.match(
      globsProblem(Array.from({ length: MAX_GLOBS + 1 }, () => "*")) ?? "",
      /at most 100/,
    );
    assert.match(globsProblem(Array.from({ length: 20 }, () => "a".repeat(500))) ?? "", /8192/);
  });

  it("matches what one of several matches, in any order of paths", () => {
    const globs = ["a/*", "a/b/**/c", "{x,y}/**"];
    const paths = ["a", "a/b", "a/b/c", "a/c/d", "a/b/q/c", "x", "y/z", "z", "a/b/c/d"];
    const all = compileGlobs(globs);
    for (const order of [paths, paths.toReversed(), [...paths, ...paths]]) {
      for (const path of order) {
        assert.equal(
          all(path),
          globs.some((glob) => compileGlobs([glob])(path)),
          path,
        );
      }
    }
  });

  it("matches as a plain recursive reading of it does", () => {
    const glob = fc
      .array(
        fc.oneof(
          fc.constant("**"),
          fc
            .array(fc.constantFrom("a", "b", "*", "?", "[ab]", "[!a]"), {
              minLength: 1,
              maxLength: 5,
            })
            .map((tokens) => tokens.join("").replace(/\*+/g, "*")),
        ),
        { minLength: 1, maxLength: 5 },
      )
      .map((segments) => segments.join("/"));
    const path = fc
      .array(fc.stringMatching(/^[abc]{1,4}$/), { minLength: 1, maxLength: 5 })
      .map((names) => names.join("/"));
    fc.assert(
      fc.property(glob, fc.array(path, { minLength: 1, maxLength: 8 }), (pattern, paths) => {
        const matches = compileGlobs([pattern]);
        for (const one of paths) {
          assert.equal(matches(one), matchesRecursively(pattern.split("/"), one.split("/")), one);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("compiles whenever it has no problem, and never fails otherwise", () => {
    const text = fc.string({ unit: fc.constantFrom(..."ab/*?[]!{},\\.-:^()@😀\0"), maxLength: 20 });
    fc.assert(
      fc.property(text, text, (glob, path) => {
        if (globProblem(glob) === null) assert.equal(typeof compileGlobs([glob])(path), "boolean");
        else assert.throws(() => compileGlobs([glob]), RangeError);
      }),
      { numRuns: 5000 },
    );
  });

  it("matches a literal path when every special character is escaped", () => {
    const name = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 10 })
      .filter((text) => !/[/\0]/.test(text) && text !== "." && text !== "..");
    fc.assert(
      fc.property(name, (text) => {
        const escaped = Array.from(text, (char) => (/\w/.test(char) ? char : `\\${char}`)).join("");
        assert.equal(compileGlobs([escaped])(text), true);
      }),
    );
  });

  it("takes a bounded number of steps for the worst patterns and names", () => {
    // A backtracking matcher needs more than 2^60 steps for any of these.
    const star = compileGlobs([`${"*a".repeat(100)}b`, `${"a*?".repeat(80)}b`]);
    assert.equal(star("a".repeat(255)), false);
    const depth = compileGlobs([`${"**/a/".repeat(100)}b`]);
    assert.equal(depth(Array.from({ length: 1000 }, () => "a").join("/")), false);
    const many = compileGlobs(Array.from({ length: 80 }, (_, n) => `${"*a".repeat(45)}${n}`));
    assert.equal(many("a".repeat(255)), false);
  });
});

function matchesRecursively(pattern: readonly string[], path: readonly string[]): boolean {
  const [segment, ...rest] = pattern;
  if (segment === undefined) return path.length === 0;
  if (segment === "**") {
    return (
      matchesRecursively(rest, path) ||
      (path.length > 0 && matchesRecursively(pattern, path.slice(1)))
    );
  }
  const [name, ...below] = path;
  if (name === undefined) return false;
  const source = segment.replaceAll("[!", "[^").replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${source}$`).test(name) && matchesRecursively(rest, below);
}
