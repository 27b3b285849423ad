import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import type { CachedLoad, Health, Job, JobEvent } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { jobArchive, uploadOf } from "../support/direct-submits.js";
import { FakeClock } from "../support/fake-clock.js";
import { fakeTimeLibrary, unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const HOUR_SECONDS = 3600;
/** Longer than any job here runs, shorter than any clock here is off. */
const LONG_SECONDS = HOUR_SECONDS / 4;

/** An answer of the server's interface: the command line takes long to start when a machine is busy. */
async function ask<T>(cluster: Cluster, path: string): Promise<T> {
  return (await (await cluster.request(path)).json()) as T;
}

const jobOf = (cluster: Cluster, id: number) => ask<Job>(cluster, `/v1/jobs/${id}`);

/** Fails when a job shows a time or a duration that cannot be. */
async function assertPossible(cluster: Cluster, id: number): Promise<Job> {
  const job = await jobOf(cluster, id);
  const { items } = await ask<{ items: JobEvent[] }>(cluster, `/v1/jobs/${id}/events`);
  const at = items.map((event) => event.at);
  assert.deepEqual(at, at.toSorted(), "events are in order");
  const attempt = job.attempts.at(-1);
  const times = [job.submittedAt, attempt?.createdAt, job.startedAt, job.finishedAt];
  const known = times.filter((time) => time != null);
  assert.deepEqual(known, known.toSorted(), "submitted, sent, started, finished");
  const { runtimeSeconds } = job;
  assert.ok(
    runtimeSeconds !== null && runtimeSeconds < LONG_SECONDS,
    `a runtime of ${runtimeSeconds} s`,
  );
  const { startedAt, finishedAt } = job;
  if (startedAt !== null && finishedAt !== null) {
    const shownSeconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
    assert.ok(shownSeconds > runtimeSeconds - 0.1, `${shownSeconds} s from start to end`);
  }
  return job;
}

describe("clocks", { skip: unless("faketime", () => fakeTimeLibrary() !== null) }, () => {
  let cluster: Cluster;
  let directory: string;
  let serverClock: FakeClock;
  const agentClocks: FakeClock[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "jobctl-clocks-"));
    serverClock = await FakeClock.create(join(directory, "server"));
    for (const name of ["ahead", "behind"])
      agentClocks.push(await FakeClock.create(join(directory, name)));
    await agentClocks[0]?.set(HOUR_SECONDS);
    await agentClocks[1]?.set(-HOUR_SECONDS);
    cluster = await Cluster.start({
      agents: 2,
      server: {
        JOBCTL_SERVICES: "default,ahead,behind",
        JOBCTL_AGENT_POLL_SECONDS: "1",
        ...serverClock.environment,
      },
      agent: (n) => ({
        JOBCTL_AGENT_SERVICES: n === 1 ? "default,ahead" : "behind",
        JOBCTL_AGENT_LOAD_SECONDS: "1",
        ...agentClocks[n - 1]?.environment,
      }),
    });
  });
  after(async () => {
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const ended = (id: number) =>
    waitUntil("it has ended", async () => (await jobOf(cluster, id)).finishedAt !== null, 60_000);
  const runs = (id: number, file: string) =>
    waitUntil("it runs", async () => {
      return existsSync(file) && (await jobOf(cluster, id)).status === "running";
    });
  /** A job that has begun, and ends when its file is written. */
  async function begin(name: string, ...args: string[]): Promise<{ id: number; end: string }> {
    const [begun, end] = [join(directory, `${name}.begun`), join(directory, `${name}.end`)];
    const script = `touch ${begun}\nuntil [ -e ${end} ]; do sleep 0.1; done\n`;
    const id = await cluster.submitScript(script, ...args);
    await runs(id, begun);
    return { id, end };
  }

  for (const service of ["ahead", "behind"]) {
    it(`of an agent an hour ${service} make no time impossible`, async (t) => {
      const id = await cluster.submitScript("sleep 2\n", "--service", service);
      await waitUntil("it runs", async () => (await jobOf(cluster, id)).startedAt !== null);
      const { runtimeSeconds } = await jobOf(cluster, id);
      assert.ok((runtimeSeconds ?? Infinity) < LONG_SECONDS, `a runtime of ${runtimeSeconds} s`);
      await ended(id);
      const job = await assertPossible(cluster, id);
      assert.ok((job.runtimeSeconds ?? 0) >= 1.9, `a runtime of ${job.runtimeSeconds} s`);
      shows(t, "clocks-move-no-job", { what: "agents whose clocks are an hour off", times: 1 });
    });
  }

  for (const hours of [1, -1]) {
    it(`of the server that jump by ${hours} h while jobs run change no duration`, async (t) => {
      await serverClock.set(0);
      const first = await begin(`server-${hours}-first`);
      const second = await begin(`server-${hours}-second`);
      await serverClock.set(hours * HOUR_SECONDS);
      const third = await begin(`server-${hours}-third`);
      const path = "/v1/jobs?state=running&sort=runtime";
      const { items } = await ask<{ items: Job[] }>(cluster, path);
      assert.deepEqual(
        items.map(({ id }) => id),
        [first.id, second.id, third.id],
      );
      for (const { id } of items) await assertPossible(cluster, id);
      const metrics = await (await cluster.request("/metrics")).text();
      const longest = /^jobctl_job_running_seconds\{service="default"\} (\S+)$/m.exec(metrics)?.[1];
      assert.ok(Number(longest) < LONG_SECONDS, `the longest has run for ${longest} s`);
      for (const { end } of [first, second, third]) await writeFile(end, "");
      for (const { id } of items) {
        await ended(id);
        await assertPossible(cluster, id);
      }
      shows(t, "clocks-move-no-job", { what: "clocks set by an hour, either way", times: 1 });
    });

    it(`of an agent that jump by ${hours} h while a job runs change no duration`, async (t) => {
      await agentClocks[0]?.set(0);
      const { id, end } = await begin(`agent-${hours}`);
      await agentClocks[0]?.set(hours * HOUR_SECONDS);
      await writeFile(end, "");
      await ended(id);
      await assertPossible(cluster, id);
      shows(t, "clocks-move-no-job", { what: "clocks set by an hour, either way", times: 1 });
    });

    it(`of the server that jump by ${hours} h make no agent silent and no task late`, async (t) => {
      await serverClock.set(0);
      await waitUntil("both are heard of", async () =>
        (await loads()).every(({ load }) => load !== null),
      );
      await serverClock.set(hours * HOUR_SECONDS);
      for (const { ageSeconds, stale, name } of await loads()) {
        assert.ok((ageSeconds ?? Infinity) < LONG_SECONDS, `${name}: ${ageSeconds} s`);
        assert.equal(stale, (ageSeconds ?? Infinity) > 2);
      }
      const health = (await (await fetch(`${cluster.server.url}/health`)).json()) as Health;
      for (const [task, { ok }] of Object.entries(health.tasks)) assert.ok(ok, task);
      shows(t, "clocks-move-no-job", { what: "clocks set by an hour, either way", times: 1 });
    });

    it(`of the server that jump by ${hours} h leave alone what is being written`, async (t) => {
      await serverClock.set(0);
      const { headers, body } = uploadOf(jobArchive("true\n"));
      const upload = httpRequest(`${cluster.server.url}/v1/jobs`, {
        method: "POST",
        headers: { ...cluster.authorization, ...headers },
      });
      const status = new Promise<number>((resolve, reject) => {
        upload.once("response", (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        upload.once("error", reject);
      });
      upload.write(body.subarray(0, body.length - 200));
      await waitUntil(
        "it is being written",
        async () => (await cluster.temporaryFiles()).length > 0,
      );
      await serverClock.set(3 * hours * HOUR_SECONDS);
      const answer = await cluster.request("/v1/admin/gc", { method: "POST" });
      assert.equal(answer.status, 200);
      upload.end(body.subarray(body.length - 200));
      assert.equal(await status, 201);
      await serverClock.set(0);
      shows(t, "clocks-move-no-job", { what: "clocks set by an hour, either way", times: 1 });
    });
  }

  it("do not tell how long a job ran that ended while the server was away", async (t) => {
    const { id, end } = await begin("away");
    await cluster.server.end("SIGKILL");
    await writeFile(end, "");
    const record = join(cluster.root, `agent-1/attempts/${id}.1/result.tar`);
    await waitUntil("it is packed", () => existsSync(record));
    await cluster.agents[0]?.end("SIGKILL");
    await agentClocks[0]?.set(HOUR_SECONDS);
    await cluster.startAgent(1, agentClocks[0]?.environment);
    await serverClock.set(-HOUR_SECONDS);
    await cluster.startServer();
    await ended(id);
    const { attempt, status } = await assertPossible(cluster, id);
    assert.deepEqual([attempt, status], [1, "completed"]);
    shows(t, "clocks-move-no-job", { what: "both clocks set while the server is away", times: 1 });
  });

  const loads = async (): Promise<CachedLoad[]> =>
    (await ask<{ items: CachedLoad[] }>(cluster, "/v1/agents/load")).items;
});

describe("a rate limit", { skip: unless("faketime", () => fakeTimeLibrary() !== null) }, () => {
  let cluster: Cluster;
  let directory: string;
  let clock: FakeClock;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "jobctl-clocks-"));
    clock = await FakeClock.create(join(directory, "server"));
    const server = { JOBCTL_RATE_LIMIT: "3", ...clock.environment };
    cluster = await Cluster.start({ agents: 0, server });
  });
  after(async () => {
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  });

  for (const hours of [1, -1]) {
    it(`refuses for a second, also when the clock is set by ${hours} h`, async () => {
      await clock.set(0);
      const status = async (): Promise<number> => {
        const answer = await cluster.request("/v1/jobs");
        await answer.body?.cancel();
        return answer.status;
      };
      const burst = () => Promise.all(Array.from({ length: 20 }, status));
      await waitUntil("some of many are refused", async () => (await burst()).includes(429));
      await clock.set(hours * HOUR_SECONDS);
      await waitUntil("it is let in again", async () => (await status()) === 200);
    });
  }
});
