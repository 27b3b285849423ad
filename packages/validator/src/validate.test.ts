import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";

import fc from "fast-check";

import { DEFAULT_POLICY, RULES, validate, type Report } from "./index.js";
import { parseBash } from "./parse.js";
import { attackSamples, doubtfulSamples, honestSamples } from "./samples.test-support.js";

const ATTACKS = attackSamples();
const HONEST = honestSamples();
const DOUBTFUL = doubtfulSamples();

const check = (script: string, policy = DEFAULT_POLICY): Report =>
  validate(Buffer.from(script), "run.sh", policy);

describe("the validator", () => {
  for (const [family, scripts] of ATTACKS) {
    it(`rejects what is ${family}`, (t) => {
      for (const script of scripts) {
        assert.equal(check(script).verdict, "reject", script);
      }
      t.diagnostic(`promise dangerous-scripts-are-rejected: ${scripts.length} ${family} scripts`);
    });
  }

  it("leaves honest scripts alone", (t) => {
    for (const [name, script] of HONEST) {
      const { diagnostics, counts } = check(script);
      assert.equal(counts.error, 0, `${name}: ${JSON.stringify(diagnostics)}`);
    }
    t.diagnostic(`promise dangerous-scripts-are-rejected: ${HONEST.size} honest scripts`);
  });

  it("warns of what is doubtful, and accepts it", () => {
    for (const [rule, scripts] of DOUBTFUL) {
      for (const script of scripts) {
        const { verdict, diagnostics } = check(script);
        assert.equal(verdict, "accept", script);
        assert.ok(
          diagnostics.some((found) => found.rule === rule),
          `${rule}: ${JSON.stringify(diagnostics)}`,
        );
        if (rule === "CRLF") continue;
        assert.equal(check(script, { ...DEFAULT_POLICY, profile: "strict" }).verdict, "reject");
      }
    }
  });

  it("blocks in the profile strict what only might be dangerous", () => {
    const strict = { ...DEFAULT_POLICY, profile: "strict" } as const;
    const scripts = [
      "python3 -c 'print(1)'",
      "perl -e 'print 1'",
      'eval "$(conda shell.bash hook)"',
      "chown me file",
      "cat /etc/passwd",
    ];
    for (const script of scripts) {
      assert.equal(check(script).verdict, "accept", script);
      assert.equal(check(script, strict).verdict, "reject", script);
    }
  });

  it("lets a script explain a warning, and never an error", () => {
    const explained = "# jobctl: allow PERSIST-DETACH -- the viewer is ended below\n";
    const [noted] = check(`${explained}screen -dmS view ./viewer`).diagnostics;
    assert.deepEqual([noted?.rule, noted?.severity], ["PERSIST-DETACH", "info"]);
    assert.match(noted?.message ?? "", /the viewer is ended below/);
    const strict = { ...DEFAULT_POLICY, profile: "strict" } as const;
    assert.equal(check(`${explained}screen -dmS view ./viewer`, strict).verdict, "reject");
    assert.equal(check("# jobctl: allow PRIV-CMD -- please\nsudo id").verdict, "reject");
    assert.equal(check("# jobctl: allow PERSIST-DETACH\nscreen -dmS x ./v").counts.warning, 1);
  });

  it("lets an operator allow hosts and commands", () => {
    const policy = {
      ...DEFAULT_POLICY,
      network: true,
      allowHosts: ["data.example.org"],
      allowCommands: ["socat", "sudo"],
    };
    const counts = (script: string): number[] => {
      const { error, warning, info } = check(script, policy).counts;
      return [error, warning, info];
    };
    assert.deepEqual(counts("curl https://eu.data.example.org/x"), [0, 0, 0]);
    assert.deepEqual(counts("rsync -a me@data.example.org:/x ."), [0, 0, 0]);
    assert.deepEqual(counts("curl https://data.example.org.evil.example/x"), [0, 1, 0]);
    assert.deepEqual(counts("curl https://data.example.org https://evil.example"), [0, 1, 0]);
    assert.deepEqual(counts("socat - TCP:localhost:1"), [0, 0, 0]);
    // What gains rights, destroys or escapes cannot be allowed by the name of the command.
    assert.equal(counts("sudo id")[0], 1);
  });

  it("has a sample for every rule that a script can break", () => {
    const hit = new Set(
      [...ATTACKS.values()]
        .flat()
        .flatMap((script) => check(script).diagnostics.map(({ rule }) => rule)),
    );
    for (const rule of DOUBTFUL.keys()) hit.add(rule);
    // These need bytes that no sample can hold as text, or more of them than is sensible.
    for (const rule of ["ENCODING", "SIZE", "BUDGET"]) hit.add(rule);
    // Shown in the profile strict only.
    for (const rule of ["INLINE-CODE", "EVAL-CODE"]) hit.add(rule);
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
    for (const script of [...HONEST.values(), ...[...ATTACKS.values()].flat()]) {
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
    // One command that is refused for its name, and stands there plainly.
    const commands = [...ATTACKS.values()]
      .flat()
      .filter((script) => /^(?!coproc|time)[a-z][\w-]* [\w ./:@=-]+$/.test(script))
      .filter((script) => check(`x${script}`).verdict === "accept");
    assert.ok(commands.length > 100);
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
      { numRuns: 2000 },
    );
  });

  it("is not kept busy by any script, and does with little memory", async () => {
    const nasty = [
      "a=$a$a;".repeat(20_000),
      "$(".repeat(3000),
      "{a,b}".repeat(5000),
      `x=${"*".repeat(5000)}; echo \${y##$x}`,
      "eval ".repeat(20_000),
      "f() { f; };".repeat(10_000),
      "((".repeat(5000),
      "a|".repeat(50_000),
      "f() { $1 $@; };".repeat(2000) + "f a b c;".repeat(2000),
      "while read x; do $x; done <<< a;".repeat(3000),
      `bash -c '${"eval ".repeat(1000)}'\n`.repeat(20),
      `echo ${"a{1..9}".repeat(300)} | xargs rm\n`.repeat(100),
      "x".repeat(1024 * 1024),
      `sed 's/${"\\\\/".repeat(2000)}' f; sed 's/${"s/".repeat(100_000)}' f`,
      `python3 -c 'system("${"\\\\".repeat(20_000)}'; python3 -c '${'run("'.repeat(50_000)}'`,
      `awk '${'system("'.repeat(50_000)}'; perl -e '${"socket ".repeat(50_000)}'`,
      `python3 <<E\n${"x = open('/etc/x')\n".repeat(20_000)}E\n`,
    ];
    const worker = new Worker(new URL("nasty.test-support.js", import.meta.url), {
      workerData: nasty,
      // What a worker needs beyond them ends it with ERR_WORKER_OUT_OF_MEMORY.
      resourceLimits: { maxOldGenerationSizeMb: 160, maxYoungGenerationSizeMb: 32 },
    });
    const [durations] = (await once(worker, "message")) as [number[]];
    for (const [at, duration] of durations.entries()) {
      // Generous, for a busy machine; the figure that counts is in the benchmark.
      assert.ok(duration < 30_000, nasty[at]?.slice(0, 20));
    }
  });
});
