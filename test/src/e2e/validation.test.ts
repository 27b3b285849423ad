import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import type { ValidateFunction } from "ajv";
import Ajv from "ajv-draft-04";
import formats from "ajv-formats";

import { Cluster } from "../support/cluster.js";
import { shows } from "../support/shows.js";

const DANGEROUS = fileURLToPath(new URL("../../../examples/dangerous", import.meta.url));

/** The standard's own schema, which is of JSON Schema's draft 4. */
async function sarifSchema(): Promise<ValidateFunction> {
  const path = createRequire(import.meta.url).resolve(
    "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json",
  );
  const validator = new Ajv.default({ strict: false, unicodeRegExp: false });
  formats.default(validator);
  return validator.compile(JSON.parse(await readFile(path, "utf8")));
}

/** Rejected for what it says; what it would do is nothing. */
const REJECTED = "echo begun\nsudo true\n";

describe("validation", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({
      server: { SERVICE_STRICT_PROFILE: "strict", SERVICE_LENIENT_RULES: "PRIV-CMD=warning" },
      agent: { JOBCTL_AGENT_SERVICES: "default,strict,lenient" },
    });
  });
  after(() => cluster.stop());

  it("refuses a script before anything is sent", async () => {
    const job = await cluster.makeJob({ "run.sh": REJECTED });
    const { exitCode, stderr } = await cluster.jobctl(["submit", job]);
    assert.equal(exitCode, 105);
    assert.match(stderr, /^run\.sh:2:1 {2}error {2}PRIV-CMD/m);
    assert.match(stderr, /^ {3}2 \| sudo true\n {5}\| \^{9}$/m);
    assert.deepEqual(await cluster.blobs(), []);
  });

  it("on the agent ends a job as invalid, and shows where", async (t) => {
    shows(t, "agent-decides");
    const job = await cluster.makeJob({ "run.sh": REJECTED });
    const { exitCode, stdout } = await cluster.jobctl(["submit", job, "--no-validate", "--wait"]);
    assert.equal(exitCode, 105);
    const id = Number(stdout.trim());
    const { status, outcome, findings } = await cluster.job(id);
    assert.deepEqual([status, outcome?.reason], ["invalid", "rejected"]);
    assert.deepEqual(
      findings.map(({ rule, line, column }) => [rule, line, column]),
      [["PRIV-CMD", 2, 1]],
    );
    assert.equal(await cluster.ok(["logs", String(id)]), "", "nothing of it has run");
    const shown = await cluster.ok(["status", String(id)]);
    assert.match(shown, /run\.sh:2:1 {2}error {2}PRIV-CMD/);
    assert.match(shown, /\^{9}/);
  });

  it("looks into the scripts of the job that run.sh runs", async () => {
    const job = await cluster.makeJob({
      "run.sh": "source lib/setup.sh\nbash step.sh\n./notes.txt || true\n",
      "lib/setup.sh": "export A=1\n",
      "step.sh": "#!/bin/bash\n./tools/inner.sh\n",
      "tools/inner.sh": "echo inner\nsudo true\n",
      "notes.txt": "sudo is not a command here\n",
    });
    const here = await cluster.jobctl(["submit", job]);
    assert.equal(here.exitCode, 105);
    assert.match(here.stderr, /^tools\/inner\.sh:2:1 {2}error {2}PRIV-CMD/m);
    const there = await cluster.jobctl(["submit", job, "--no-validate", "--wait", "--json"]);
    assert.equal(there.exitCode, 105);
    const { findings } = JSON.parse(there.stdout);
    assert.deepEqual(
      findings.map(({ file, line }: { file: string; line: number }) => [file, line]),
      [["tools/inner.sh", 2]],
    );
  });

  it("follows the policy of the service, here and on the agent", async () => {
    const doubtful = await cluster.makeJob({
      "run.sh": 'eval "$(./configure-environment)"\ntrue\n',
      "configure-environment": "",
    });
    assert.equal((await cluster.jobctl(["submit", doubtful, "--service", "default"])).exitCode, 0);
    for (const flags of [[], ["--no-validate", "--wait"]]) {
      const strict = await cluster.jobctl(["submit", doubtful, "--service", "strict", ...flags]);
      assert.equal(strict.exitCode, 105);
    }
    const raised = await cluster.makeJob({ "run.sh": "sudo --version > /dev/null || true\n" });
    assert.equal(
      (await cluster.jobctl(["submit", raised, "--service", "lenient", "--wait"])).exitCode,
      0,
    );
  });

  it("shows each finding with its place, the reason and what to do", async () => {
    const { exitCode, stdout } = await cluster.jobctl(["validate", DANGEROUS]);
    assert.equal(exitCode, 105);
    for (const rule of [
      "NET-FETCH",
      "EXEC-NET-PIPE",
      "PRIV-CMD",
      "PATH-SYSWRITE",
      "PERSIST-SCHED",
      "NET-RAW",
    ]) {
      assert.match(stdout, new RegExp(`run\\.sh:\\d+:\\d+ {2}error {2}${rule} `));
    }
    assert.match(stdout, /\^+ resolves to "curl -s https:\/\/example\.org\/install\.sh"/);
    assert.match(stdout, /\^+ run through srun/);
    assert.match(stdout, /help: /);
  });

  it("has a machine-readable form for editors and code scanning", async () => {
    const { exitCode, stdout } = await cluster.jobctl(["validate", DANGEROUS, "--format", "sarif"]);
    assert.equal(exitCode, 105);
    const sarif = JSON.parse(stdout);
    const isSarif = await sarifSchema();
    const fits: boolean = isSarif(sarif);
    assert.ok(fits, JSON.stringify(isSarif.errors));
    const [{ tool, results }] = sarif.runs;
    const known = new Set(tool.driver.rules.map(({ id }: { id: string }) => id));
    assert.ok(results.length >= 6);
    for (const { ruleId, locations } of results) {
      assert.ok(known.has(ruleId));
      assert.ok(locations[0].physicalLocation.region.startLine > 0);
    }
    const json = JSON.parse((await cluster.jobctl(["validate", DANGEROUS, "--json"])).stdout);
    assert.deepEqual([json.schema, json.items[0].verdict], ["jobctl.validation/v1", "reject"]);
  });

  it("leaves the examples alone", async () => {
    for (const name of ["hello", "monte-carlo-pi", "tree", "fails", "sleeps"]) {
      assert.equal(
        (await cluster.jobctl(["validate", `${DANGEROUS}/../${name}`])).exitCode,
        0,
        name,
      );
    }
  });
});
