import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { compileIgnoreFile } from "./ignore-file.js";

/**
 * The rules of gitignore(5), "Pattern format", and its examples: lines, what they ignore, and what
 * they do not. A path that ends in `/` is a directory.
 */
const RULES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["\n\n", [], ["a", "\n"]],
  ["# comment", [], ["# comment", "comment"]],
  ["\\#file", ["#file"], ["\\#file"]],
  ["a  ", ["a"], ["a  "]],
  ["a\\ ", ["a "], ["a", "a\\ "]],
  ["a\\\\ ", ["a\\"], ["a\\ "]],
  ["a\r\nb\r\n", ["a", "b"], ["a\r"]],
  ["\uFEFFa", ["a"], []],
  ["*.o\n!keep.o", ["a.o", "d/a.o"], ["keep.o", "d/keep.o"]],
  ["!keep.o\n*.o", ["keep.o"], []],
  ["\\!important!.txt", ["!important!.txt"], ["important!.txt"]],
  ["hello", ["hello", "hello/", "a/hello", "a/hello/"], ["hello.txt", "othello"]],
  ["hello.*", ["hello.txt", "a/hello.java"], ["hello"]],
  ["/hello.*", ["hello.txt", "hello.c"], ["a/hello.java"]],
  ["foo/", ["foo/", "a/foo/"], ["foo", "a/foo"]],
  ["doc/frotz/", ["doc/frotz/"], ["a/doc/frotz/", "doc/frotz"]],
  ["frotz/", ["frotz/", "a/frotz/"], []],
  ["doc/frotz", ["doc/frotz"], ["a/doc/frotz"]],
  ["/doc/frotz", ["doc/frotz"], ["a/doc/frotz"]],
  ["foo/*", ["foo/test.json", "foo/bar/"], ["foo/bar/hello.c", "foo/"]],
  ["Documentation/*.html", ["Documentation/git.html"], ["Documentation/ppc/ppc.html"]],
  ["a?c", ["abc", "d/abc"], ["ac", "a/c"]],
  ["[a-c]", ["a", "d/c"], ["d"]],
  ["[!a-c]", ["d"], ["a"]],
  ["[^a-c]", ["d"], ["a"]],
  ["**/foo", ["foo", "a/foo", "a/b/foo"], ["foo/a"]],
  ["**/foo/bar", ["foo/bar", "a/foo/bar"], ["foo/a/bar"]],
  ["abc/**", ["abc/a", "abc/a/b"], ["abc/", "d/abc/a"]],
  ["a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["c/a/b"]],
  ["a/**/**/b", ["a/b", "a/x/b"], []],
  ["foo**bar", ["foobar", "foo.x.bar"], ["foo/bar"]],
  ["**", ["a", "a/b"], []],
  ["/*\n!/foo\n/foo/*\n!/foo/bar", ["x", "foo/x"], ["foo/", "foo/bar/"]],
  ["Foo", ["Foo"], ["foo"]],
  ["{a,b}", ["{a,b}"], ["a", "b"]],
  ["a\\*", ["a*"], ["ab"]],
  ["/", [], ["a", "a/"]],
  ["a//b", [], ["a/b"]],
  ["[a", [], ["a", "[a"]],
  ["a\\", [], ["a", "a\\"]],
  ["!", [], ["a", "!"]],
  ["[[:digit:]]", ["1"], ["a"]],
];

function isIgnored(text: string, path: string): boolean {
  const isDirectory = path.endsWith("/");
  const verdict = compileIgnoreFile(text).verdict(path.replace(/\/$/, ""), isDirectory);
  return verdict === "ignored";
}

describe("an ignore file", () => {
  for (const [text, ignored, kept] of RULES) {
    it(`that says ${JSON.stringify(text)} is read as git reads it`, () => {
      for (const path of ignored) assert.equal(isIgnored(text, path), true, path);
      for (const path of kept) assert.equal(isIgnored(text, path), false, path);
    });
  }

  it("decides by its last line that matches", () => {
    const line = fc.constantFrom("a", "b", "*", "/a", "a/", "d/a", "**/b", "d/**", "[ab]");
    const rule = fc.record({ line, negated: fc.boolean() });
    const path = fc.constantFrom("a", "b", "d", "d/a", "d/b", "a/d", "d/d/b");
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 8 }),
        path,
        fc.boolean(),
        (rules, one, isDirectory) => {
          const text = rules.map((each) => `${each.negated ? "!" : ""}${each.line}\n`).join("");
          const last = rules.findLast(
            (each) => compileIgnoreFile(each.line).verdict(one, isDirectory) !== null,
          );
          const expected = last === undefined ? null : last.negated ? "kept" : "ignored";
          assert.equal(compileIgnoreFile(text).verdict(one, isDirectory), expected);
        },
      ),
    );
  });

  it("is read whatever it holds, and gives a verdict on every path", () => {
    const text = fc.string({ unit: fc.constantFrom(..."ab/*?[]!\\# \n\r:-^😀\0"), maxLength: 60 });
    fc.assert(
      fc.property(text, text, fc.boolean(), (file, path, isDirectory) => {
        const { verdict } = compileIgnoreFile(file);
        assert.ok(["ignored", "kept", null].includes(verdict(path, isDirectory)));
      }),
      { numRuns: 3000 },
    );
  });

  it("takes a bounded number of steps for the worst lines", () => {
    const { verdict } = compileIgnoreFile(`${"**/a/".repeat(100)}b\n${"*a".repeat(100)}b\n`);
    assert.equal(verdict(Array.from({ length: 500 }, () => "a").join("/"), false), null);
    assert.equal(verdict("a".repeat(255), false), null);
  });
});
