import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { NO_LIMITS, pack, toPackEntries, walkAll } from "@jobctl/archive";
import type { Logger } from "@jobctl/daemon";
import type { AttemptSpec } from "@jobctl/protocol";
import { ScriptChecker } from "@jobctl/validator/checker";

import { createProcessExecutor } from "./executors/process.js";
import { Trash } from "./workspace/trash.js";
import { attemptPaths, directoryState } from "./workspace/workspace.js";
import type { AttemptSettings } from "./attempts/attempt-settings.js";
import { AttemptPool } from "./attempts/attempt-pool.js";
import { Attempt } from "./attempts/attempt.js";
import { Capacity } from "./attempts/capacity.js";

const SPEC: AttemptSpec = {
  ...{ id: "1.1", jobId: 1, attempt: 1, service: "default", env: {}, timeoutSeconds: 600 },
  ...{ cpus: 1, memoryBytes: null, outputs: [], network: true },
  validation: { profile: "permissive", overrides: {}, allowHosts: [], allowCommands: [] },
  archive: { sha256: "0".repeat(64), sizeBytes: 0, root: "" },
};

/** Leaves a process that has no mark, is in no known group, and holds the output open. */
const HOLDING = "env -i setsid bash -c 'exec sleep 300' &\necho $!\n";

describe("an attempt", () => {
  let root: string;
  let events: string[];
  const checker = new ScriptChecker();
  after(() => checker.close());
  let settings: AttemptSettings;
  let leftover: number | null;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "jobctl-attempt-"));
    events = [];
    leftover = null;
    const note = ({ event }: { event: string }): unknown => events.push(event);
    const logger: Logger = { debug: note, info: note, warn: note, error: note };
    settings = {
      checker,
      ...{ agentName: "a", executor: await createProcessExecutor(), archiveLimits: NO_LIMITS },
      jobLimits: { maxProcesses: 1000, maxOpenFiles: 1000, maxFileBytes: 1e9, tmpBytes: 1e9 },
      ...{ maxLogBytes: 1e6, maxMemoryBytes: 1e9, maxResultBytes: 1e9 },
      workspaceLimits: { maxBytes: 1e9, maxEntries: 1000 },
      ...{ killGraceMs: 0, heldOutputMs: 500, storageDeadMs: 1e6 },
      storage: { isUsable: async () => true, unusableMs: 0 },
      trash: new Trash(join(root, "trash"), logger),
      canRunJobs: async () => true,
      logger,
    };
  });
  afterEach(async () => {
    if (leftover !== null) process.kill(leftover, "SIGKILL");
    await rm(root, { recursive: true, force: true });
  });

  const receive = async (script: string, changed: Partial<AttemptSettings> = {}) => {
    const job = join(root, "job");
    await mkdir(job);
    await writeFile(join(job, "run.sh"), script);
    const all = { ...settings, ...changed };
    const attempt = new Attempt(SPEC, join(root, "1.1"), all, () => {});
    await attempt.receive(pack(job, toPackEntries(await walkAll(job))));
    return attempt;
  };
  /** Waits for the process that a job has left, whose id it has printed. */
  const findLeftover = async (attempt: Attempt): Promise<void> => {
    for (const until = performance.now() + 20_000; leftover === null; await delay(20)) {
      leftover = Number(await readFile(attempt.paths.stdout, "utf8")) || null;
      assert.ok(performance.now() < until, JSON.stringify(attempt.report));
    }
  };
  const endOf = async (run: Promise<void>): Promise<string> =>
    Promise.race([run.then(() => "over"), delay(20_000, "goes on", { ref: false })]);

  it("ends although a process that cannot be found holds its output open", async () => {
    const attempt = await receive(HOLDING);
    const run = attempt.run();
    await findLeftover(attempt);
    assert.equal(await endOf(run), "over");
    const { state, outcome } = attempt.report;
    assert.deepEqual([state, outcome?.reason, outcome?.exitCode], ["finished", "exited", 0]);
    assert.equal(events.filter((event) => event === "output_held_open").length, 1);
    assert.ok(!events.includes("output_not_kept"));
  });

  it("does not wait for its output when nobody wants it any more", async () => {
    const attempt = await receive(HOLDING, { heldOutputMs: 1e6 });
    const run = attempt.run();
    await findLeftover(attempt);
    await attempt.stop("cancelled");
    attempt.giveUpCollecting();
    assert.equal(await endOf(run), "over");
  });

  it("is neither unknown nor removed while it is being received", async () => {
    const capacity = new Capacity({ slots: 1, cpus: 1, memoryBytes: 1e9 });
    const pool = new AttemptPool(
      root,
      capacity,
      { ...settings, refusal: () => null, removed: () => {} },
      () => {},
    );
    let breakOff = (): void => {};
    const broken = new Promise<never>((_resolve, reject) => {
      breakOff = () => reject(new Error("the connection was cut"));
    });
    broken.catch(() => {});
    const receiving = pool.receive(SPEC, {
      [Symbol.asyncIterator]: () => ({ next: () => broken }),
    });
    assert.throws(() => pool.get(SPEC.id), { code: "attempt_receiving" });
    await assert.rejects(pool.remove(SPEC.id), { code: "attempt_receiving" });
    breakOff();
    await assert.rejects(receiving, /cut/);
    assert.throws(() => pool.get(SPEC.id), { code: "attempt_not_found" });
    await pool.remove(SPEC.id);
  });

  it("says that some of its output is missing", async () => {
    const attempt = await receive("echo fine\nuntil [ -e go ]; do sleep 0.05; done\n");
    const run = attempt.run();
    while ((await readFile(attempt.paths.stdout, "utf8")) === "") await delay(20);
    await rm(attempt.paths.stdout);
    await writeFile(join(attempt.paths.workspace, "go"), "");
    assert.equal(await endOf(run), "over");
    const { state, outcome } = attempt.report;
    assert.deepEqual([state, outcome?.reason, outcome?.exitCode], ["finished", "exited", 0]);
    assert.match(outcome?.message ?? "", /^5 of 5 bytes of its stdout are missing/);
    assert.equal(events.filter((event) => event === "output_missing").length, 1);
  });

  it("is not known while it is being removed, nor under the id of another job", async () => {
    const job = join(root, "job");
    await mkdir(job);
    await writeFile(join(job, "run.sh"), "trap '' TERM\nwhile :; do sleep 0.1; done\n");
    const archive = await buffer(Readable.from(pack(job, toPackEntries(await walkAll(job)))));
    const sha256 = createHash("sha256").update(archive).digest("hex");
    const spec = { ...SPEC, archive: { sha256, sizeBytes: archive.length, root: "" } };
    const capacity = new Capacity({ slots: 1, cpus: 1, memoryBytes: 1e9 });
    const reported: string[] = [];
    const pool = new AttemptPool(
      join(root, "attempts"),
      capacity,
      { ...settings, killGraceMs: 1000, refusal: () => null, removed: () => {} },
      ({ state }) => reported.push(state),
    );
    await pool.recover();
    const send = (changed: Partial<AttemptSpec> = {}): Promise<string> =>
      pool.receive({ ...spec, ...changed }, Readable.from([archive]));
    assert.equal(await send(), "created");
    assert.equal(await send({ network: false }), "known");
    await assert.rejects(send({ env: { A: "1" } }), { code: "idempotency_conflict" });
    while (pool.get(SPEC.id).report.state !== "running") await delay(20);
    const removal = pool.remove(SPEC.id);
    await assert.rejects(send(), { code: "attempt_receiving", message: /is being removed/ });
    assert.throws(() => pool.get(SPEC.id), { code: "attempt_receiving" });
    assert.deepEqual(pool.reports, []);
    await removal;
    assert.equal(reported.at(-1), "running");
    assert.equal(await send(), "created");
    await pool.remove(SPEC.id);
  });

  it("keeps no agent that drains waiting for its output", async () => {
    const job = join(root, "job");
    await mkdir(job);
    await writeFile(join(job, "run.sh"), HOLDING);
    const archive = await buffer(pack(job, toPackEntries(await walkAll(job))));
    const sha256 = createHash("sha256").update(archive).digest("hex");
    const pool = new AttemptPool(
      root,
      new Capacity({ slots: 1, cpus: 1, memoryBytes: 1e9 }),
      { ...settings, heldOutputMs: 1e6, refusal: () => null, removed: () => {} },
      () => {},
    );
    await pool.receive({ ...SPEC, archive: { ...SPEC.archive, sha256 } }, Readable.from([archive]));
    await findLeftover(pool.get(SPEC.id));
    assert.equal(await endOf(pool.drain(0, () => false)), "over");
  });

  it("has lost its directory only when that is not there", () => {
    assert.equal(directoryState(attemptPaths(root)), "there");
    assert.equal(directoryState(attemptPaths(join(root, "1.1"))), "gone");
    assert.equal(directoryState(attemptPaths(join(root, "too-long".repeat(100)))), "unknown");
  });
});
