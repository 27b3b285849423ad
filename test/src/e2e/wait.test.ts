import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { signalWithin } from "@jobctl/daemon";
import type { Job } from "@jobctl/protocol";
import { execa } from "execa";

import { CLI, Cluster } from "../support/cluster.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

describe("several jobs at once", () => {
  const MANY = 200;
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({
      server: { SERVICE_DEFAULT_MAX_RUNS: "1000", SERVICE_DEFAULT_RUNS_PER_USER: "1000" },
      agent: { JOBCTL_AGENT_KILL_GRACE_SECONDS: "30" },
    });
  });
  after(() => cluster.stop());

  const submitMany = async (script: string): Promise<number[]> => {
    const { input } = await cluster.job(await cluster.submitScript(script));
    const ids: number[] = [];
    for (let n = 0; n < MANY; n += 1) {
      const answer = await cluster.request("/v1/jobs", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ input }),
      });
      ids.push(((await answer.json()) as Job).id);
    }
    return ids;
  };

  it("are waited for with few connections, and without a warning", async (t) => {
    const ids = await submitMany("exit 3\n");
    const command = `ulimit -n 100; exec "$0" "$@"`;
    const { exitCode, stdout, stderr } = await execa(
      "bash",
      ["-c", command, process.execPath, CLI, "wait", ...ids.map(String)],
      { env: cluster.environment, extendEnv: false, reject: false },
    );
    assert.equal(exitCode, 3, stderr);
    assert.equal(stdout, "");
    const lines = stderr.split("\n");
    assert.equal(lines.length, MANY, stderr);
    for (const line of lines) assert.match(line, /^job \d+ failed .*: exit code 3/);
    shows(t, "waits-end", { what: "jobs waited for at once", times: MANY });
  });

  it("are waited for until the first has ended, with --any", async (t) => {
    const endless = await cluster.submitScript("sleep 600\n");
    const quick = await cluster.submitScript("exit 4\n");
    const { exitCode, stderr } = await cluster.jobctl(["wait", `${endless}`, `${quick}`, "--any"]);
    assert.equal(exitCode, 4);
    assert.match(stderr, new RegExp(`^job ${quick} failed .*\n$`));
    assert.notEqual((await cluster.job(endless)).status, "completed");
    const tooMany = Array.from({ length: 201 }, (_, n) => String(n + 1));
    assert.equal((await cluster.jobctl(["wait", ...tooMany, "--any"])).exitCode, 2);
    await cluster.ok(["cancel", "--wait", String(endless)]);
    shows(t, "waits-end", { what: "a wait for any of several jobs", times: 1 });
  });

  it("are told to stop at once, not one after the other", async () => {
    const [one, two] = [join(cluster.root, "one"), join(cluster.root, "two")];
    const running = async (script: string): Promise<string> => {
      const id = await cluster.submitScript(
        `${script}\ntouch ready\nwhile :; do sleep 0.05; done\n`,
      );
      await waitUntil("it is ready", () =>
        existsSync(join(cluster.root, `agent-1/attempts/${id}.1/workspace/ready`)),
      );
      return String(id);
    };
    // The first can only end properly when the second has been told as well.
    const ids = [
      await running(`trap 'until [ -e ${two} ]; do sleep 0.05; done; touch ${one}; exit' TERM`),
      await running(`trap 'touch ${two}; exit' TERM`),
    ];
    await cluster.ok(["cancel", "--wait", ...ids]);
    assert.ok(existsSync(one));
  });
});

describe("a time limit, while garbage is collected", () => {
  const WAITS = 100;
  const DRAIN_MS = 60_000;
  const collecting = {
    NODE_OPTIONS: `--import=${import.meta.resolve("../support/collect-garbage.js")}`,
  };
  let cluster: Cluster;
  let endless: number;
  before(async () => {
    cluster = await Cluster.start({
      server: collecting,
      agent: { ...collecting, JOBCTL_DRAIN_SECONDS: String(DRAIN_MS / 1000) },
    });
    endless = await cluster.submitScript("sleep 600\n");
  });
  after(() => cluster.stop());

  it("ends each of many waits on the server", async (t) => {
    const wait = async (): Promise<number> => {
      const giveUp = signalWithin(120_000);
      const path = `/v1/jobs/${endless}/wait?timeoutSeconds=2`;
      try {
        return (await cluster.request(path, { signal: giveUp.signal })).status;
      } finally {
        giveUp.release();
      }
    };
    const statuses = await Promise.all(Array.from({ length: WAITS }, wait));
    assert.deepEqual(new Set(statuses), new Set([200]));
    shows(t, "waits-end", {
      what: "waits with a time limit, while garbage is collected",
      times: WAITS,
    });
  });

  it("ends the command that waits", async (t) => {
    const { exitCode, stderr } = await cluster.jobctl(["wait", `${endless}`, "--timeout", "2s"], {
      env: collecting,
      timeoutMs: 60_000,
    });
    assert.equal(exitCode, 101, stderr);
    assert.match(stderr, /not finished after 2 s/);
    shows(t, "waits-end", {
      what: "a command with a time limit, while garbage is collected",
      times: 1,
    });
  });

  it("ends an agent whose results nobody fetches", async () => {
    const release = join(cluster.root, "release");
    const id = await cluster.submitScript(`until [ -e ${release} ]; do sleep 0.05; done\n`);
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    await cluster.ok(["cancel", String(endless), "--wait"]);
    await cluster.server.end("SIGKILL");
    await writeFile(release, "");
    const agent = cluster.agents[0];
    const startedMs = performance.now();
    assert.equal(await agent?.end("SIGTERM"), 0);
    assert.ok(performance.now() - startedMs < DRAIN_MS);
  });
});
