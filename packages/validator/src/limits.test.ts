import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { describe, it } from "node:test";

import { DEFAULT_POLICY, validate } from "./index.js";

const SOURCES = new URL("../src/", import.meta.url);
const lines = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join("\n");
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Wrapped in `bash -c` a number of times. */
const nested = (count: number, text: string): string =>
  count === 0 ? text : nested(count - 1, `bash -c ${quoted(text)}`);

/** For each limit, by file and name, a script that has a little more. */
const BEYOND: Readonly<Record<string, string>> = {
  "bounded.ts MAX_LINE": `python3 -c 'x = "${"a".repeat(4000)}"; import os'`,
  "bounded.ts MAX_TEXT": `python3 <<E\n${"x = 1\n".repeat(70_000)}E\n`,
  "embedded.ts MAX_SUPPLIED": `xargs -I{} echo {} <<E\n${"x\n".repeat(5000)}E\n`,
  "inputs.ts MAX_SOURCES": `${lines(1001, (at) => `v=$(f${at})`)}\neval "$v"`,
  "pure/printf.ts MAX_PRINTED": `x=$(printf '%s ' ${"abcd ".repeat(45_000)}); $x`,
  "pure-output.ts MAX_DEPTH": `x=$(${"{ ".repeat(21)}echo true${"; }".repeat(21)}); $x`,
  "pure/sed.ts MAX_INPUT": `x=$(sed s/a/b/ <<E\n${"word\n".repeat(10_001)}E\n); $x`,
  "resolve.ts MAX_ARGUMENT_VALUES": `for x in ${lines(2001, (at) => `f${at} \\`)}\ng; do wc "$x"; done`,
  "resolve.ts MAX_NAMES": `for x in ${lines(257, (at) => `f${at} \\`)}\ng; do "$x"; done`,
  "resolve.ts MAX_DEPTH": `echo ${"${a:-".repeat(61)}x${"}".repeat(61)}`,
  "resolve.ts MAX_LENGTH": `a=${"x".repeat(150_000)}; echo "$a$a"`,
  "resolve.ts MAX_EDITED": `a=${"x".repeat(2001)}y; echo "\${a%%x*}"`,
  "unwrap.ts MAX_WRAPPERS": `${"nice ".repeat(18)}true`,
  "unwrap.ts MAX_INVOCATIONS": `parallel ${"-a b ".repeat(65)}true`,
  "walk.ts MAX_EMBEDDED": nested(7, "true"),
  "walk.ts MAX_CALLS": `${lines(14, (at) => `f${at}() { f${at + 1} "$@"; }`)}\nf0 true`,
};
/** Limits of another kind, and what they are tried by. */
const OTHERS: Readonly<Record<string, string>> = {
  "resolve.ts MAX_VALUES":
    "of what is beyond it, an argument's are looked through and a name's are followed",
  "rules/rule-set.ts MAX_KNOWN": "what is remembered only",
  "rules/shared/credentials.ts MAX_PATH": "the kernel takes no longer path",
  "validate.ts MAX_SCRIPT_BYTES": "validate.test.ts",
  "validate.ts MAX_STEPS": "validate.test.ts",
  "validate.ts MAX_MS": "validate.test.ts",
  "validate.ts MAX_FILES": "validate.test.ts",
  "validate.ts MAX_DIAGNOSTICS": "what is shown only",
  "validate.ts MAX_SHOWN": "what is shown only",
};

describe("the limits of what is followed", () => {
  for (const [limit, script] of Object.entries(BEYOND))
    it(`rejects what is beyond ${limit}, and says so`, () => {
      const { verdict, diagnostics } = validate(Buffer.from(script), "run.sh", DEFAULT_POLICY);
      const found = diagnostics.find(({ rule }) => rule === "BUDGET");
      assert.equal(verdict, "reject");
      assert.match(found?.message ?? "", /more than \d+|too many/, JSON.stringify(diagnostics));
    });

  it("are all tried", () => {
    const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" });
    const limits = files
      .filter((file) => file.endsWith(".ts") && !file.includes("test"))
      .flatMap((file) => {
        const text = readFileSync(new URL(file, SOURCES), "utf8");
        return [...text.matchAll(/const (MAX_\w+)/g)].map(([, name = ""]) => `${file} ${name}`);
      });
    assert.ok(limits.length > 10);
    const tried = new Set([...Object.keys(BEYOND), ...Object.keys(OTHERS)]);
    assert.deepEqual(
      limits.filter((limit) => !tried.has(limit)),
      [],
    );
  });

  it("keeps every value that may be dangerous, wherever it stands among others", () => {
    const many = lines(60, (at) => `f${at} \\`);
    for (const script of [
      `for x in ${many}\nsudo; do "$x" id; done`,
      `for x in ${many}\n/; do rm -rf "$x"; done`,
      `for x in ${many}\n'sudo id'; do eval "$x"; done`,
      `x=s\n${lines(9, (at) => `$unset && x+=${at}`)}\nx+=udo\n$x id`,
    ])
      assert.equal(validate(Buffer.from(script), "run.sh").verdict, "reject", script);
  });
});
