import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";

import { Cluster } from "../support/cluster.js";
import { waitUntil } from "../support/wait-until.js";

/** Far above what a line takes to arrive, and far below any polling interval or buffer's delay. */
const SOON_MS = 1000;

describe("logs", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({
      agent: { JOBCTL_AGENT_SLOTS: "1", JOBCTL_AGENT_MAX_LOG_BYTES: "100000" },
    });
  });
  after(() => cluster.stop());

  it("follow a job from before it starts to its last byte", async () => {
    const blocker = await cluster.submitScript("sleep 600\n");
    const id = await cluster.submitScript(
      "echo first; sleep 0.3; echo error >&2; printf 'no newline at the end'\n",
    );
    const following = cluster.spawn(["logs", "-f", String(id)]);
    await waitUntil(
      "the first job runs",
      async () => (await cluster.job(blocker)).status === "running",
    );
    await cluster.ok(["cancel", String(blocker), "--wait"]);
    const { exitCode, stdout, stderr } = await following;
    assert.equal(exitCode, 0);
    assert.equal(stdout, "first\nno newline at the end");
    assert.match(stderr, /^error\n/);
  });

  it("show a line soon after it was written", async () => {
    const script = "for n in 1 2 3 4 5; do date +%s%3N; sleep 0.2; done\n";
    const id = await cluster.submitScript(script);
    const following = cluster.spawn(["logs", "-f", String(id), "-q"]);
    const delays: number[] = [];
    following.stdout?.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split("\n"))
        delays.push(Date.now() - Number(line));
    });
    await following;
    assert.equal(delays.length, 5);
    // The first one may have been written before the follower was there.
    for (const delay of delays.slice(1)) assert.ok(delay < SOON_MS, `a line took ${delay} ms`);
  });

  it("go on after the server has been restarted in the middle", async () => {
    const script = "for n in $(seq 1 40); do echo line $n; sleep 0.1; done\n";
    const id = await cluster.submitScript(script);
    const following = cluster.spawn(["logs", "-f", String(id)]);
    await once(following.stdout as NodeJS.ReadableStream, "data");
    await cluster.server.end("SIGTERM");
    await cluster.startServer();
    await waitUntil(
      "the job has gone on",
      async () => (await cluster.job(id)).status === "running",
    );
    await cluster.server.end("SIGKILL");
    await cluster.startServer();
    const { exitCode, stdout } = await following;
    assert.equal(exitCode, 0);
    assert.equal(stdout, Array.from({ length: 40 }, (_, n) => `line ${n + 1}\n`).join(""));
  });

  it("end with the exit code of the job", async () => {
    const id = await cluster.submitScript("echo bad; exit 3\n");
    const { exitCode, stdout } = await cluster.jobctl(["logs", "-f", String(id)]);
    assert.deepEqual([exitCode, stdout], [3, "bad\n"]);
  });

  it("can be cut to one stream and to the last lines", async () => {
    const id = String(await cluster.submitScript("seq 1 1000; echo oops >&2\n", "--wait"));
    assert.equal(
      (await cluster.jobctl(["logs", id, "--tail", "2", "--stream", "stdout"])).stdout,
      "999\n1000\n",
    );
    const errors = await cluster.jobctl(["logs", id, "--stream", "stderr"]);
    assert.deepEqual([errors.stdout, errors.stderr], ["", "oops\n"]);
    assert.equal((await cluster.jobctl(["logs", id, "--stream", "sideways"])).exitCode, 2);
  });

  it("that grow beyond the limit end the job, and keep what fits", async () => {
    const id = await cluster
      .submitScript("yes | head -c 150000; echo end\n", "--wait")
      .catch(() => 0);
    assert.equal(id, 0);
    const { items } = JSON.parse(await cluster.ok(["status", "--json", "--limit", "1"]));
    assert.deepEqual([items[0].status, items[0].outcome.reason], ["failed", "output_limit"]);
    const { stdout } = await cluster.jobctl(["logs", String(items[0].id)]);
    assert.equal(stdout.length, 100_000);
  });

  it("of a job that never ran are empty", async () => {
    const blocker = await cluster.submitScript("sleep 600\n");
    const id = await cluster.submitScript("echo never\n");
    await cluster.ok(["cancel", String(id)]);
    const { exitCode, stdout } = await cluster.jobctl(["logs", "-f", String(id)]);
    assert.deepEqual([exitCode, stdout], [103, ""]);
    await cluster.ok(["cancel", String(blocker), "--wait"]);
  });

  it("stop at Ctrl-C, while the job goes on", async () => {
    const id = await cluster.submitScript("echo on; sleep 600\n");
    const following = cluster.spawn(["logs", "-f", String(id)]);
    await once(following.stdout as NodeJS.ReadableStream, "data");
    following.kill("SIGINT");
    const { exitCode, stderr } = await following;
    assert.equal(exitCode, 130);
    assert.match(stderr, new RegExp(`jobctl cancel ${id}`));
    assert.equal((await cluster.job(id)).status, "running");
    await cluster.ok(["cancel", String(id), "--wait"]);
  });
});
