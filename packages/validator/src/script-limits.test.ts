import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { DEFAULT_POLICY, LIMITS, MAX_SHOWN_FINDINGS, validate, validateJob } from "./index.js";
import type { Report } from "./index.js";

const check = (script: string): Report => validate(Buffer.from(script), "run.sh");
const rulesOf = (report: Report): string[] => [
  ...new Set(report.diagnostics.map(({ rule }) => rule)),
];

/** A job of scripts that each call the next ones. */
function checkFiles(files: Readonly<Record<string, string>>): Report[] {
  return validateJob("run.sh", (path) => {
    const text = files[path];
    return text === undefined ? null : Buffer.from(text);
  });
}

describe("the verdict", () => {
  const doubtful = "screen -dmS view ./viewer\n";

  it("is of all findings, and errors are shown first", () => {
    const report = check(`${doubtful.repeat(500)}sudo id\n`);
    assert.equal(report.verdict, "reject");
    assert.deepEqual(report.counts, { error: 1, warning: 500, info: 0 });
    assert.equal(report.diagnostics.length, MAX_SHOWN_FINDINGS);
    assert.equal(report.diagnostics.at(-1)?.rule, "PRIV-CMD");
  });

  it("keeps what was found when a limit is reached", () => {
    const report = check(`sudo id\n${"a|".repeat(LIMITS.pipeCommands)}a\n`);
    assert.deepEqual(rulesOf(report), ["BUDGET"]);
    const later = check(`sudo id\n${doubtful.repeat(LIMITS.findings)}`);
    assert.deepEqual(rulesOf(later), ["BUDGET", "PRIV-CMD", "PERSIST-DETACH"]);
    assert.match(later.diagnostics[0]?.message ?? "", /more than 2000 findings/);
  });

  it("is that of the worst that a rule finds at a place", () => {
    const [found] = check("for f in ./a /etc; do rm -rf $f; done").diagnostics;
    assert.equal(found?.severity, "error");
  });
});

describe("limits", () => {
  /** Just over each limit, and what the message says. */
  const scripts: readonly [limit: keyof typeof LIMITS, script: string, message: RegExp][] = [
    ["steps", "x=$a\n".repeat(200_000), /more than \d+ steps/],
    [
      "pipeCommands",
      `${"a|".repeat(LIMITS.pipeCommands)}a`,
      /a pipe in it has more than \d+ commands/,
    ],
    [
      "waitingDocuments",
      `cat ${"<<E ".repeat(LIMITS.waitingDocuments + 1)}\n${"E\n".repeat(LIMITS.waitingDocuments + 1)}`,
      /more than \d+ here-documents/,
    ],
    ["pathLength", "cd abcdefgh\n".repeat(600), /a path of more than \d+ characters/],
    ["findings", "sudo id\n".repeat(LIMITS.findings + 1), /more than \d+ findings/],
  ];
  for (const [name, script, message] of scripts)
    it(`that are reached are errors that say so: ${name}`, () => {
      const report = check(script);
      const found = report.diagnostics.filter(({ rule }) => rule === "BUDGET");
      assert.match(found.map((one) => one.message).join("\n"), message);
      assert.equal(report.verdict, "reject");
    });

  it("are all tried", () => {
    const ofJobs = ["scripts", "paths", "scriptBytes"];
    assert.deepEqual(
      [...scripts.map(([limit]) => limit), ...ofJobs].toSorted(),
      Object.keys(LIMITS).toSorted(),
    );
  });

  it("do not let a further script go unchecked", () => {
    const steps = Array.from({ length: LIMITS.scripts }, (_, at) => `s${at}.sh`);
    const files = Object.fromEntries(steps.map((name) => [name, "true\n"]));
    const run = steps.map((name) => `bash ${name}\n`).join("");
    assert.ok(checkFiles({ "run.sh": "bash s0.sh\n", "s0.sh": "true" }).every(isAccepted));
    const reports = checkFiles({ ...files, "run.sh": run });
    const refused = reports.filter((report) => !isAccepted(report));
    assert.deepEqual(refused.map(rulesOf), [["BUDGET"]]);
    assert.match(refused[0]?.diagnostics[0]?.message ?? "", /more than 50 scripts/);
  });

  it("do not let a further path go unchecked", () => {
    const run = Array.from({ length: LIMITS.paths }, (_, at) => `./p${at}\n`).join("");
    const [report] = checkFiles({ "run.sh": run });
    assert.match(report?.diagnostics[0]?.message ?? "", /more than 2000 files/);
    assert.equal(report?.verdict, "reject");
  });

  it("count the bytes of all scripts together", () => {
    const big = `# ${"x".repeat(LIMITS.scriptBytes / 2)}\n`;
    const reports = checkFiles({ "run.sh": `bash a.sh\n${big}`, "a.sh": `sudo id\n${big}` });
    assert.deepEqual(reports.map(rulesOf), [[], ["SIZE"]]);
  });
});

describe("allowed hosts", () => {
  const policy = { ...DEFAULT_POLICY, network: true, allowHosts: ["data.example.org"] };
  const warnings = (script: string): number =>
    validate(Buffer.from(script), "run.sh", policy).counts.warning;

  it("have to be all that a command names, however long it is", () => {
    const allowed = "curl https://data.example.org/x";
    assert.equal(warnings(allowed), 0);
    assert.equal(warnings(`${allowed} https://other.example`), 1);
    assert.equal(warnings(`${allowed} ${"-s ".repeat(5000)} https://other.example`), 1);
    assert.equal(warnings("curl https://data.example.org@other.example/x"), 1);
    assert.equal(warnings("curl https://other.example#@data.example.org/x"), 1);
  });
});

describe("positions", () => {
  it("end behind where they begin, in files with CR LF as well", () => {
    const scripts = ["echo a\r\nsudo b\r\n", "echo \r\n$((\r\n", "a\r\n\r\n", "#!/bin/x\r\ncurl x"];
    const policy = { ...DEFAULT_POLICY, profile: "strict" } as const;
    for (const script of scripts)
      for (const found of validate(Buffer.from(script), "run.sh", policy).diagnostics) {
        const message = `${found.rule} in ${JSON.stringify(script)}`;
        assert.ok(found.endLine >= found.line, message);
        if (found.endLine === found.line) assert.ok(found.endColumn >= found.column, message);
      }
  });
});

const isAccepted = ({ verdict }: Report): boolean => verdict === "accept";
