import assert from "node:assert/strict";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { execa } from "execa";

import { Cluster } from "../support/cluster.js";

/** Takes a backtracking matcher years against a name of many a's. */
const EXPLOSIVE = "((a+)+)+b";
const LONG_NAME = "a".repeat(60);

describe("a hostile pattern", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start();
  });
  after(() => cluster.stop());

  it("does not hang the agent", { timeout: 60_000 }, async () => {
    const id = await cluster.submitScript(
      `touch ${LONG_NAME}; touch kept.csv\n`,
      ...["--output", EXPLOSIVE, "--output", "*.csv", "--wait"],
    );
    const health = await fetch(`${cluster.agents[0]?.url}/health`);
    assert.equal(health.status, 200);
    await cluster.ok(["download", String(id), "-o", "kept"]);
    assert.deepEqual((await readdir(join(cluster.root, "kept"))).toSorted(), [
      ".jobctl",
      "kept.csv",
    ]);
  });

  it("does not hang the command line", { timeout: 60_000 }, async () => {
    const id = await cluster.submitScript(`touch ${LONG_NAME}\n`, "--wait");
    const { exitCode } = await cluster.jobctl(["download", String(id), "--path", EXPLOSIVE]);
    assert.equal(exitCode, 102);
  });

  const invalid = [
    ["@(a|b)", /extended patterns.*write \{a,b\}/],
    ["!secret", /cannot be negated/],
    ["{a,{b,c}}", /cannot be nested/],
    ["../x", /cannot hold \. or \.\./],
    ["/etc/*", /remove the first \//],
    ["out/", /write folder\/\*\*/],
    ["[a", /no closing \]/],
    ["{1,2,3,4,5,6,7,8,9}{1,2,3,4,5,6,7,8,9}", /more than 64 patterns/],
  ] as const;

  it("is refused by the server, which says what to write", async () => {
    for (const [at, [pattern, message]] of invalid.entries()) {
      const response = await cluster.request("/v1/jobs", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "idempotency-key": `glob-${at}`,
        },
        body: JSON.stringify({
          outputs: ["fine/**", pattern],
          input: { sizeBytes: 1024, sha256: "0".repeat(64) },
        }),
      });
      const { error } = (await response.json()) as { error: { code: string; message: string } };
      assert.deepEqual([response.status, error.code], [400, "invalid_request"], pattern);
      assert.match(error.message, /outputs/);
      assert.match(error.message, message);
    }
  });

  it("is refused by the command line before anything is sent", async () => {
    const job = await cluster.makeJob({ "run.sh": "true\n" });
    for (const [pattern, message] of invalid) {
      for (const args of [
        ["submit", job, "--server", "http://127.0.0.1:1", "--output", pattern],
        ["download", "1", "--server", "http://127.0.0.1:1", "--path", pattern],
      ]) {
        const { exitCode, stderr } = await cluster.jobctl(args);
        assert.equal(exitCode, 2, `${args.join(" ")}: ${stderr}`);
        assert.match(stderr, message);
      }
    }
  });
});

describe("a hostile ignore file", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({ agents: 0 });
  });
  after(() => cluster.stop());

  it("does not hang the command line", { timeout: 60_000 }, async () => {
    const job = await cluster.makeJob({
      "run.sh": "true\n",
      ".gitignore": `${"**/a/".repeat(12)}b\n${"a*".repeat(100)}b\n`,
    });
    const deep = join(job, ...Array.from({ length: 60 }, () => "a"));
    await mkdir(deep, { recursive: true });
    await writeFile(join(deep, "a".repeat(200)), "");
    const listed = await cluster.ok(["submit", "--dry-run", job]);
    assert.match(listed, /a{200}/);
  });

  it("is refused when it is a FIFO, too long or too large", { timeout: 60_000 }, async () => {
    const job = await cluster.makeJob({ "run.sh": "true\n" });
    const path = join(job, ".jobctlignore");
    const make = {
      "not a file": () => execa("mkfifo", [path]),
      "more than 5000 lines": () => writeFile(path, "a\n".repeat(5001)),
      "more than 131072 bytes": () => writeFile(path, "a".repeat(131_073)),
    };
    for (const [problem, write] of Object.entries(make)) {
      await write();
      const { exitCode, stderr } = await cluster.jobctl(["submit", "--dry-run", job]);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, new RegExp(`\\.jobctlignore cannot be used: it (is|has) ${problem}`));
      await rm(path);
    }
  });
});
