import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import type { GcReport, ReconcileReport } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { shows } from "../support/shows.js";
import { counted, startsOf } from "../support/starts.js";
import { waitUntil } from "../support/wait-until.js";

describe("operating a server", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({ agents: 2 });
  });
  after(() => cluster.stop());

  const json = async <T>(...args: string[]): Promise<T> =>
    JSON.parse(await cluster.ok([...args, "--json"])) as T;
  const running = async (id: number): Promise<string> => {
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    return (await cluster.job(id)).agent ?? "";
  };

  it("a drained agent gets no new work and finishes what it has", async () => {
    const id = await cluster.submitScript("sleep 5; echo done\n");
    const agent = await running(id);
    assert.match(await cluster.ok(["agents", "drain", agent]), /is draining, 1 running/);
    const others = await Promise.all([1, 2, 3].map(() => cluster.submitScript("true\n", "--wait")));
    for (const other of others) assert.notEqual((await cluster.job(other)).agent, agent);
    await cluster.ok(["wait", String(id)]);
    assert.equal((await cluster.job(id)).attempt, 1);
    assert.match(await cluster.ok(["agents", "resume", agent]), /is ready/);
    assert.equal((await cluster.jobctl(["agents", "drain", "nobody"])).exitCode, 102);
  });

  it("at the deadline what a drained agent runs is stopped and queued again, not counted as lost", async () => {
    const id = await cluster.submitScript(
      counted(
        cluster,
        '[[ $JOBCTL_ATTEMPT = *.1 ]] && sleep 600; echo "$JOBCTL_ATTEMPT" > result.txt',
      ),
    );
    const agent = await running(id);
    await cluster.ok(["agents", "drain", agent, "--deadline", "1s"]);
    await cluster.ok(["wait", String(id)]);
    const job = await cluster.job(id);
    assert.deepEqual([job.status, job.attempt, job.agent === agent], ["completed", 2, false]);
    assert.deepEqual(
      job.attempts.map(({ endedAs }) => endedAs),
      ["drained", "collected"],
    );
    await waitUntil(
      "the agent is empty",
      async () => (await readdir(join(cluster.root, agent, "attempts"))).length === 0,
    );
    await cluster.ok(["agents", "resume", agent]);
  });

  it("a drain outlives the server", async () => {
    await cluster.ok(["agents", "drain", "agent-1"]);
    await cluster.server.end("SIGKILL");
    await cluster.startServer();
    await waitUntil("both are known", async () => {
      const { items } = await json<{ items: { state: string }[] }>("agents", "list");
      return items.map(({ state }) => state).join() === "draining,ready";
    });
    await cluster.ok(["agents", "resume", "agent-1"]);
  });

  it("a failure is retried as often as was asked, after a pause, and each try is on record", async () => {
    const id = await cluster.submitScript(counted(cluster, "exit 3"), "--retries", "1");
    await waitUntil("it pauses", async () => (await cluster.job(id)).reason === "retry_pause");
    const { exitCode } = await cluster.jobctl(["wait", String(id)]);
    assert.equal(exitCode, 3);
    assert.deepEqual(await startsOf(cluster, id), [`${id}.1`, `${id}.2`]);
    const job = await cluster.job(id);
    assert.deepEqual(
      job.attempts.map(({ endedAs, reason, exitCode: code }) => [endedAs, reason, code]),
      [
        ["collected", "exited", 3],
        ["collected", "exited", 3],
      ],
    );
    assert.match(
      await cluster.ok(["events", String(id)]),
      /attempt 1 failed \(exit code 3\); tried again in \d+ s/,
    );
    const once = await cluster.submitScript(counted(cluster, "exit 3"));
    await cluster.jobctl(["wait", String(once)]);
    assert.deepEqual(await startsOf(cluster, once), [`${once}.1`]);
  });

  it("gc removes what belongs to no job, and reports what a job misses", async () => {
    const id = await cluster.submitScript("echo kept\n", "--wait");
    const orphan = randomBytes(1000);
    const digest = createHash("sha256").update(orphan).digest("hex");
    const directory = join(cluster.dataPath, "blobs/sha256", digest.slice(0, 2));
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, digest), orphan);
    const old = join(cluster.dataPath, "tmp/old");
    await writeFile(old, "x".repeat(10));
    await utimes(old, 0, 0);
    const dry = await json<GcReport>("gc", "--dry-run");
    assert.deepEqual([dry.blobs, dry.temporaryFiles.count], [{ count: 1, sizeBytes: 1000 }, 1]);
    assert.ok((await cluster.blobs()).includes(digest));
    assert.match(await cluster.ok(["gc"]), /^removed 1 blob \(1000 B\) and 1 temporary file/);
    assert.ok(!(await cluster.blobs()).includes(digest));
    const { result } = await cluster.job(id);
    const blob = cluster.blobPath(result?.sha256 ?? "");
    const content = await readFile(blob);
    await rm(blob);
    const { exitCode, stdout } = await cluster.jobctl(["gc"]);
    assert.equal(exitCode, 1);
    assert.match(stdout, new RegExp(`job ${id}: its result is missing`));
    const lost = result?.sha256 ?? "";
    const doctor = await cluster.jobctl(["doctor"]);
    assert.equal(doctor.exitCode, 1);
    assert.match(doctor.stdout, new RegExp(`the result of job ${id}: ${lost} is missing`));
    assert.match(doctor.stdout, new RegExp(`jobctl restore .* --blob ${lost}`));
    assert.match(await cluster.ok(["status", String(id)]), new RegExp(`${lost} {2}missing`));
    const download = await cluster.jobctl(["download", String(id), "-o", "gone"]);
    assert.equal(download.exitCode, 102);
    assert.match(download.stderr, new RegExp(`no longer stored\n.*--blob ${lost}`));
    await writeFile(blob, content);
    // It is looked for again where it is missed.
    await waitUntil(
      "it is forgotten",
      async () => {
        const { stdout: shown } = await cluster.jobctl(["doctor"]);
        return !shown.includes(lost);
      },
      90_000,
    );
  });

  it("what is stored and has changed is reported as such and never served", async (t) => {
    shows(t, "damage-is-noticed");
    const directory = await cluster.makeJob({ "run.sh": "echo true > result.txt\n" });
    const id = Number(await cluster.ok(["submit", directory, "--wait"]));
    const { input, result } = await cluster.job(id);
    await damage(cluster.blobPath(result?.sha256 ?? ""));
    const { exitCode, stderr } = await cluster.jobctl(["download", String(id), "-o", "damaged"]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /the stored file [0-9a-f]{64} has changed/);
    assert.equal((await cluster.jobctl(["logs", String(id)])).exitCode, 1);

    for (const agent of ["agent-1", "agent-2"]) await cluster.ok(["agents", "drain", agent]);
    const queued = Number(await cluster.ok(["submit", directory]));
    await damage(cluster.blobPath(input.sha256));
    for (const agent of ["agent-1", "agent-2"]) await cluster.ok(["agents", "resume", agent]);
    await cluster.jobctl(["wait", String(queued)]);
    const { status, outcome } = await cluster.job(queued);
    assert.deepEqual([status, outcome?.reason], ["failed", "input_damaged"]);
    assert.match(outcome?.message ?? "", /has changed/);
    // The next submit sends it again, and all is well.
    const sent = await json<{ archiveSent: boolean; id: number }>("submit", directory);
    assert.equal(sent.archiveSent, true);
    await cluster.ok(["wait", String(sent.id)]);
  });

  it("a comparison finds what only one side knows, and mends it", async () => {
    const id = await cluster.submitScript("sleep 600\n");
    const agent = await running(id);
    const dry = await json<ReconcileReport>("admin", "reconcile", "--dry-run");
    assert.deepEqual(
      dry.items.map(({ attemptId, finding }) => [attemptId, finding]),
      [[`${id}.1`, "ok"]],
    );
    // An attempt that the server has given up, as after a partition.
    const other = agent === "agent-1" ? "agent-2" : "agent-1";
    assert.notEqual(other, agent);
    await cluster.ok(["admin", "reconcile"]);
    assert.equal((await cluster.job(id)).attempt, 1);
    await cluster.ok(["cancel", String(id), "--wait"]);
  });
});

/** Changes one byte, and nothing that a look at the directory shows. */
async function damage(path: string): Promise<void> {
  const content = await readFile(path);
  content[0] = (content[0] ?? 0) ^ 1;
  await writeFile(path, content);
}

describe("times that are longer than a timer can wait", () => {
  it("end no job, and evict none", async () => {
    const cluster = await Cluster.start({
      server: { JOBCTL_MAX_JOB_SECONDS: String(60 * 86_400) },
    });
    try {
      const script = `until [ -e ${cluster.root}/go ]; do sleep 0.05; done\n`;
      const id = await cluster.submitScript(script, "--time", "40d");
      await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
      await cluster.ok(["agents", "drain", "agent-1", "--deadline", "40d"]);
      assert.equal((await cluster.jobctl(["wait", String(id), "--timeout", "1s"])).exitCode, 101);
      await writeFile(join(cluster.root, "go"), "");
      await cluster.ok(["wait", String(id), "--timeout", "40d"]);
      const { status, attempt } = await cluster.job(id);
      assert.deepEqual([status, attempt], ["completed", 1]);
    } finally {
      await cluster.stop();
    }
  });
});
