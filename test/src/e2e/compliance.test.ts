import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { execa } from "execa";

import { NO_CLUSTER } from "../support/one-node.js";
import { PROMISES } from "../support/promises.js";

const SCRIPTS = fileURLToPath(new URL("../../../scripts", import.meta.url));

/** What a run of tests leaves of one of them. */
interface Result {
  readonly file: string;
  readonly test: string;
  readonly outcome: string;
  readonly reason?: string;
  readonly shows: readonly { promise: string; what: string; times: number; isAtLeast: boolean }[];
}

const shown: readonly Result[] = PROMISES.map(({ id }) => ({
  file: "e2e/some",
  test: `shows ${id}`,
  outcome: "passed",
  shows: [{ promise: id, what: "attacks", times: 2, isAtLeast: false }],
}));

describe("the page of promises", () => {
  let directory: string;
  let page: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "jobctl-compliance-"));
    page = join(directory, "compliance.md");
    assert.equal((await compliance(shown)).exitCode, 0);
  });
  after(() => rm(directory, { recursive: true }));

  const environment: Record<string, string | undefined> = { PATH: process.env["PATH"] };
  const run = (script: string, ...args: string[]) =>
    execa(process.execPath, [join(SCRIPTS, script), ...args], {
      reject: false,
      // Under a test runner Node does not start another one.
      env: environment,
      extendEnv: false,
    });
  const compliance = async (results: readonly Result[], ...args: string[]) => {
    const file = join(directory, "results.json");
    await writeFile(file, JSON.stringify(results));
    return run("compliance.mjs", "--results", file, "--page", page, ...args);
  };
  const check = (results: readonly Result[]) => compliance(results, "--check");

  it("is made of what tests say that they show, and only when they pass", async () => {
    const tests = join(directory, "tests");
    await mkdir(tests);
    await writeFile(join(directory, "package.json"), '{ "type": "module" }');
    const source = `
      import { after, describe, it } from "node:test";
      describe("outer", () => {
        it("says nothing", (t) => t.diagnostic("promise of nothing"));
        for (const n of [1, 2]) it("counts " + n, (t) => t.diagnostic("promise first: 25 take-overs"));
        describe("inner", () => {
          it("is plain", async (t) => { t.diagnostic("promise second"); t.diagnostic("promise first: at least 3 jobs"); });
          it("fails", (t) => { t.diagnostic("promise second: 9 lies"); throw new Error("on purpose"); });
          it("is skipped", { skip: "on purpose" }, (t) => t.diagnostic("promise second: 9 lies"));
        });
      });
      describe("a suite that is skipped", { skip: "on purpose" }, () => {
        it("would show it", (t) => t.diagnostic("promise second: 9 lies"));
      });
      describe("a suite whose hook fails", () => {
        after(() => { throw new Error("on purpose"); });
        it("passes before it", () => {});
      });
      describe("a suite that cannot be defined", () => { throw new Error("on purpose"); });
    `;
    await writeFile(join(tests, "some.test.js"), source);
    const file = join(directory, "collected.json");
    const { exitCode, stdout } = await run(
      "run-tests.mjs",
      ...["--directory", tests, "--results", file],
    );
    assert.equal(exitCode, 1, stdout);
    assert.match(stdout, /5 passed, 3 failed, 2 skipped$/);
    const results = JSON.parse(await readFile(file, "utf8")) as Result[];
    const once = (promise: string, what: string, times = 1) => ({
      ...{ promise, what, times },
      isAtLeast: what === "jobs",
    });
    assert.deepEqual(
      results.map(({ test, outcome, shows }) => [test, outcome, shows]),
      [
        ["says nothing", "passed", []],
        ["counts 1", "passed", [once("first", "take-overs", 25)]],
        ["counts 2", "passed", [once("first", "take-overs", 25)]],
        ["is plain", "passed", [once("second", "is plain"), once("first", "jobs", 3)]],
        ["fails", "failed", [once("second", "lies", 9)]],
        ["is skipped", "skipped", []],
        ["a suite that is skipped", "skipped", []],
        ["passes before it", "passed", []],
        ["a suite whose hook fails", "failed", []],
        ["a suite that cannot be defined", "failed", []],
      ],
    );
    assert.deepEqual(
      results.filter(({ outcome }) => outcome === "skipped").map(({ reason }) => reason),
      ["on purpose", "on purpose"],
    );
  });

  it("adds up what was tried, and says at least where numbers differ", async () => {
    const [first] = PROMISES;
    const more = (times: number, isAtLeast: boolean): Result => ({
      ...{ file: "chaos/other", test: "t", outcome: "passed" },
      shows: [{ promise: first.id, what: "kills", times, isAtLeast }],
    });
    const { exitCode } = await compliance([more(20, true), ...shown, more(5, true)]);
    assert.equal(exitCode, 0);
    const text = await readFile(page, "utf8");
    assert.ok(text.includes(`### ${first.text}\n`));
    assert.ok(
      text.includes(
        "|---|---|---|\n| kills | at least 25 | `chaos/other` |\n| attacks | 2 | `e2e/some` |\n",
      ),
    );
    for (const { text: promise } of PROMISES) assert.ok(text.includes(`### ${promise}\n`), promise);
    // Nor does it depend on which file ended first.
    const other = await check([...shown, more(5, true), more(20, true)]);
    assert.deepEqual([other.exitCode, other.stderr], [0, ""]);
    await compliance(shown);
  });

  it("is refused when a promise has no test that passed", async () => {
    const [first] = PROMISES;
    const without = await check(shown.slice(1));
    assert.equal(without.exitCode, 1);
    assert.match(without.stderr, new RegExp(`^not shown: ${first.id}$`, "m"));
    const failed = await check(
      shown.map((result, n) => (n === 0 ? { ...result, outcome: "failed" } : result)),
    );
    assert.equal(failed.exitCode, 1);
    assert.match(failed.stderr, new RegExp(`^not shown: ${first.id}$`, "m"));
  });

  it("is refused when a test names a promise that there is not", async () => {
    const [promise] = shown[0]?.shows ?? [];
    assert.ok(promise);
    const { exitCode, stderr } = await check([
      ...shown,
      {
        ...{ file: "e2e/other", test: "t", outcome: "passed" },
        shows: [{ ...promise, promise: "typo" }],
      },
    ]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^no such promise: typo \(e2e\/other: t\)$/m);
  });

  it("is refused when a test was skipped, whatever others have shown", async () => {
    const skipped = { file: "e2e/other", test: "a suite", outcome: "skipped", shows: [] };
    const { exitCode, stderr } = await check([...shown, skipped]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^skipped: e2e\/other: a suite$/m);
  });

  it("needs no cluster, but the tests of one where there is one", async () => {
    const skipped = {
      ...{ file: "e2e/kubernetes-cluster", test: "a cluster", outcome: "skipped" },
      ...{ reason: NO_CLUSTER, shows: [] },
    };
    const without = await check([...shown, skipped]);
    assert.deepEqual([without.exitCode, without.stderr], [0, ""]);
    environment["JOBCTL_KUBERNETES_START"] = "/usr/bin/true";
    const there = await check([...shown, skipped]);
    delete environment["JOBCTL_KUBERNETES_START"];
    assert.match(there.stderr, /^skipped: e2e\/kubernetes-cluster: a cluster$/m);
  });

  it("is refused when it is out of date", async () => {
    const fewer = shown.map(({ shows, ...result }) => ({
      ...result,
      shows: shows.map((one) => ({ ...one, times: 1 })),
    }));
    const { exitCode, stderr } = await check(fewer);
    assert.equal(exitCode, 1);
    assert.match(stderr, /compliance\.md is out of date: npm run compliance/);
  });
});
