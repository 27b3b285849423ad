import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import type { Job } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { findProcesses } from "../support/processes.js";
import { fakeTimeLibrary, unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

describe("after a restart", () => {
  let cluster: Cluster;
  beforeEach(async () => {
    cluster = await Cluster.start({
      server: { JOBCTL_AGENT_POLL_SECONDS: "1", JOBCTL_AGENT_DEAD_SECONDS: "2" },
    });
  });
  afterEach(() => cluster.stop());

  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    it(`of the server (${signal}) running jobs go on, and their results arrive`, async (t) => {
      shows(t, "one-start-per-attempt");
      const ids = [
        await cluster.submitScript("echo began; sleep 2; echo one > result.txt\n"),
        await cluster.submitScript("sleep 2; exit 5\n"),
      ];
      await waitUntil("both run", async () =>
        (await Promise.all(ids.map((id) => cluster.job(id)))).every(
          ({ status }) => status === "running",
        ),
      );
      await cluster.server.end(signal);
      await cluster.startServer();
      const { exitCode } = await cluster.jobctl(["wait", ...ids.map(String)]);
      assert.equal(exitCode, 5);
      const [one, two] = await Promise.all(ids.map((id) => cluster.job(id)));
      assert.deepEqual([one?.status, one?.attempt], ["completed", 1]);
      assert.deepEqual([two?.status, two?.outcome?.exitCode, two?.attempt], ["failed", 5, 1]);
      await cluster.ok(["download", String(ids[0]), "-o", "after"]);
      assert.equal(await readFile(join(cluster.root, "after/result.txt"), "utf8"), "one\n");
    });
  }

  it("of the server a job that ended meanwhile has its result", async () => {
    const id = await cluster.submitScript("sleep 1; echo done\n");
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    await cluster.server.end("SIGKILL");
    await waitUntil("it has ended on the agent", async () => {
      const record = await readFile(
        join(cluster.root, `agent-1/attempts/${id}.1/record.json`),
        "utf8",
      );
      return JSON.parse(record).report.state === "finished";
    });
    await cluster.startServer();
    await cluster.ok(["wait", String(id)]);
    assert.equal(await cluster.ok(["logs", String(id)]), "done\n");
    await waitUntil(
      "the agent has forgotten it",
      async () => (await readdir(join(cluster.root, "agent-1/attempts"))).length === 0,
    );
  });

  it("of an agent an interrupted job is run again, and the first run has left nothing", async () => {
    const id = await cluster.submitScript(
      "echo $JOBCTL_ATTEMPT; [ $JOBCTL_ATTEMPT = 1.2 ] || sleep 600\n",
    );
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    await cluster.agents[0]?.end("SIGKILL");
    const attempt = join(cluster.root, `agent-1/attempts/${id}.1`);
    await cluster.startAgent(1);
    await cluster.ok(["wait", String(id)]);
    assert.deepEqual(await findProcesses(attempt), []);
    const job = await cluster.job(id);
    assert.deepEqual([job.status, job.attempt], ["completed", 2]);
    assert.equal(await cluster.ok(["logs", String(id)]), "1.2\n");
  });

  it("of an agent that drains, a job that is nearly done is finished first", async () => {
    const id = await cluster.submitScript("sleep 1.5; echo finished > f.txt\n");
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    assert.equal(await cluster.agents[0]?.end("SIGTERM"), 0);
    await cluster.ok(["wait", String(id)]);
    assert.deepEqual(
      [(await cluster.job(id)).status, (await cluster.job(id)).attempt],
      ["completed", 1],
    );
  });

  it(
    "when the server's clock goes back an hour, jobs go on, and nothing is run twice",
    { skip: unless("faketime", () => fakeTimeLibrary() !== null) },
    async (t) => {
      shows(t, "clocks-move-no-job");
      const running = await cluster.submitScript("sleep 3; echo done\n");
      const failing = await cluster.submitScript("exit 3\n", "--retries", "1");
      await waitUntil("it pauses after its first attempt", async () => {
        // Its pause is too short for the command line on a busy machine.
        const answer = await cluster.request(`/v1/jobs/${failing}`);
        return ((await answer.json()) as Job).attempts[0]?.endedAs === "collected";
      });
      await cluster.server.end("SIGKILL");
      await cluster.startServer({
        LD_PRELOAD: fakeTimeLibrary() ?? "",
        FAKETIME: "-1h",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      });
      const later = await cluster.submitScript("true\n");
      await cluster.ok(["wait", String(running), String(later)]);
      for (const id of [running, later]) assert.equal((await cluster.job(id)).attempt, 1);
      const listed = JSON.parse(await cluster.ok(["status", "--json"])) as { items: unknown[] };
      assert.ok(listed.items.length >= 3);
      const { stdout } = await cluster.jobctl(["doctor", "--json"]);
      assert.match(stdout, /"check":"clock","status":"warning","message":"3600\.\d s apart/);
      // Its pause has not become an hour.
      assert.equal((await cluster.jobctl(["wait", String(failing)])).exitCode, 3);
      assert.equal((await cluster.job(failing)).attempt, 2);
      await cluster.server.end("SIGTERM");
      await cluster.startServer();
    },
  );

  it("a lost agent's job ends as lost when it may not be queued again", async () => {
    const id = await cluster.submitScript("sleep 600\n", "--no-requeue");
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    await cluster.agents[0]?.end("SIGKILL");
    await waitUntil(
      "it is noticed",
      async () => (await cluster.job(id)).reason === "agent_unreachable",
    );
    const { exitCode } = await cluster.jobctl(["wait", String(id)]);
    assert.equal(exitCode, 106);
    const events = JSON.parse(await cluster.ok(["events", String(id), "--json"]));
    assert.equal(events.items.at(-1).reason, "agent_lost");
    // The process executor cannot end what it ran when the agent is killed: its next start does.
    await cluster.startAgent(1);
    assert.deepEqual(await findProcesses(join(cluster.root, `agent-1/attempts/${id}.1`)), []);
  });
});
