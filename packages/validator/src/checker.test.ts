import assert from "node:assert/strict";
import { after, describe, it } from "node:test";

import { ScriptChecker, type Report } from "./checker.js";
import { DEFAULT_POLICY } from "./index.js";

const policy = DEFAULT_POLICY;

/** A job of these files. */
const jobOf = (files: Readonly<Record<string, string>>) => ({
  script: "run.sh",
  read: (path: string) => (files[path] === undefined ? null : Buffer.from(files[path])),
  policy,
});
const verdicts = (reports: readonly Report[]): string[] => reports.map(({ verdict }) => verdict);

describe("a checker of scripts", () => {
  const checker = new ScriptChecker({ threads: 2, isWarmedUp: true });
  after(() => checker.close());

  it("checks a script and those that it runs, in a thread", async () => {
    await checker.ready();
    const job = jobOf({ "run.sh": "bash a.sh\n./missing\n", "a.sh": "sudo id\n" });
    const reports = await checker.check(job);
    assert.deepEqual(
      reports.map(({ file, verdict }) => [file, verdict]),
      [
        ["run.sh", "accept"],
        ["a.sh", "reject"],
      ],
    );
    assert.deepEqual(await checker.check(jobOf({})), []);
  });

  it("checks as many as it is asked to, each by itself", async () => {
    const scripts = Array.from({ length: 20 }, (_, at) => (at % 3 === 0 ? "sudo id" : "true"));
    const reports = await Promise.all(
      scripts.map((script) => checker.check(jobOf({ "run.sh": script }))),
    );
    assert.deepEqual(
      reports.map((report) => verdicts(report)[0] === "reject"),
      scripts.map((script) => script !== "true"),
    );
  });

  it("lets a caller stop waiting, and goes on with the others", async () => {
    const single = new ScriptChecker();
    const stopping = new AbortController();
    const slow = {
      ...jobOf({}),
      signal: stopping.signal,
      read: () => {
        stopping.abort(new Error("enough"));
        return Buffer.from("x=$a\n".repeat(100_000));
      },
    };
    const checks = [single.check(slow), single.check(slow)].map((check) =>
      assert.rejects(check, { message: "enough" }),
    );
    const other = single.check(jobOf({ "run.sh": "sudo id" }));
    await Promise.all(checks);
    assert.deepEqual(verdicts(await other), ["reject"]);
    await assert.rejects(single.check(slow), { message: "enough" });
    await single.close();
    await assert.rejects(single.check(jobOf({})), /closed/);
  });

  it("rejects what takes too long, and is there for the next", async () => {
    const impatient = new ScriptChecker({ timeoutMs: 1 });
    await impatient.ready();
    const [report] = await impatient.check(jobOf({ "run.sh": "x=$a\n".repeat(100_000) }));
    assert.equal(report?.verdict, "reject");
    assert.equal(report?.diagnostics[0]?.rule, "BUDGET");
    assert.match(report?.diagnostics[0]?.message ?? "", /longer than 1 second/);
    await impatient.close();
  });

  it("rejects what takes too much memory, and is there for the next", async () => {
    const small = new ScriptChecker({ memoryMb: 24 });
    const [report] = await small.check(jobOf({ "run.sh": "x=$a\n".repeat(100_000) }));
    assert.match(report?.diagnostics[0]?.message ?? "", /more than 24 megabytes of memory/);
    assert.deepEqual(verdicts(await small.check(jobOf({ "run.sh": "true" }))), ["accept"]);
    await small.close();
  });

  it("leaves the thread of the caller free", async () => {
    const check = checker.check(jobOf({ "run.sh": "x=$a\n".repeat(80_000) }));
    let turns = 0;
    const isDone = check.then(() => true);
    const turn = (): Promise<boolean> => new Promise((resolve) => setImmediate(resolve, false));
    while (!(await Promise.race([isDone, turn()]))) turns += 1;
    assert.ok(turns > 20, `${turns} turns of the event loop`);
  });
});
