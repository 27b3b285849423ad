import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import type { Agent, CachedLoad } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { waitUntil } from "../support/wait-until.js";

describe("agents", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({
      agents: 2,
      server: { JOBCTL_AGENT_POLL_SECONDS: "1", JOBCTL_AGENT_DEAD_SECONDS: "60" },
      agent: {
        JOBCTL_AGENT_SLOTS: "2",
        JOBCTL_AGENT_CPUS: "2",
        JOBCTL_AGENT_MEMORY_BYTES: "1000000",
        JOBCTL_AGENT_LOAD_SECONDS: "1",
      },
    });
    await waitUntil("both are ready", async () =>
      (await states()).every((state) => state === "ready"),
    );
  });
  after(() => cluster.stop());

  const states = async (): Promise<string[]> => {
    const { items } = JSON.parse(await cluster.ok(["agents", "list", "--json"]));
    return items.map(({ state }: { state: string }) => state);
  };

  const loads = async (): Promise<{ items: CachedLoad[]; serverMs: number }> => {
    const began = performance.now();
    const answer = await cluster.request("/v1/agents/load");
    const { items } = (await answer.json()) as { items: CachedLoad[] };
    return { items, serverMs: performance.now() - began };
  };

  it("share the work, and never get more than they have", async () => {
    const ids: number[] = [];
    for (let n = 0; n < 5; n += 1) ids.push(await cluster.submitScript("sleep 600\n"));
    await waitUntil("four run", async () => {
      const jobs = await Promise.all(ids.map((id) => cluster.job(id)));
      return jobs.filter(({ status }) => status === "running").length === 4;
    });
    const jobs = await Promise.all(ids.map((id) => cluster.job(id)));
    assert.deepEqual(jobs.map(({ agent }) => agent ?? "none").toSorted(), [
      "agent-1",
      "agent-1",
      "agent-2",
      "agent-2",
      "none",
    ]);
    const last = jobs.find(({ status }) => status === "queued");
    assert.equal(last?.reason, "agents_busy");
    await cluster.ok(["cancel", "--wait", ...ids.map(String)]);
  });

  it("take a job only with the CPUs and the memory that it asks for", async () => {
    const wide = await cluster.submitScript("true\n", "--cpus", "3");
    assert.deepEqual(
      [(await cluster.job(wide)).status, (await cluster.job(wide)).reason],
      ["queued", "no_agent"],
    );
    const large = await cluster.submitScript("true\n", "--memory", "1M");
    assert.equal((await cluster.job(large)).reason, "no_agent");
    const fits = await cluster.submitScript("true\n", "--cpus", "2", "--memory", "900K", "--wait");
    assert.equal((await cluster.job(fits)).status, "completed");
    const queue = JSON.parse(await cluster.ok(["queue", "--json"]));
    assert.deepEqual(
      queue.items.map(({ id }: { id: number }) => id),
      [wide, large],
    );
    await cluster.ok(["cancel", String(wide), String(large)]);
  });

  it("that hang do not keep their load from being shown, with its age", async () => {
    const hung = cluster.agents[0];
    await waitUntil("a load has come", async () =>
      (await loads()).items.every(({ load }) => load !== null),
    );
    hung?.child.kill("SIGSTOP");
    try {
      await waitUntil("its figure has grown old", async () => {
        const { items } = await loads();
        return items.some(({ name, stale }) => name === "agent-1" && stale);
      });
      const times = [];
      for (let n = 0; n < 20; n += 1) times.push((await loads()).serverMs);
      const median = times.toSorted((a, b) => a - b)[10] ?? Infinity;
      assert.ok(median < 500, `the cached load took ${median} ms`);
      const { items } = await loads();
      const old = items.find(({ name }) => name === "agent-1");
      assert.ok((old?.ageSeconds ?? 0) >= 2);
      assert.notEqual(old?.load, null);
      const text = await cluster.jobctl(["agents", "load"]);
      assert.match(text.stdout, /agent-1\t.*\t\d+(\.\d+)?$/m);
    } finally {
      hung?.child.kill("SIGCONT");
    }
    await waitUntil("it is back", async () => (await states()).every((state) => state === "ready"));
  });

  it("that are down are reported by --check", async () => {
    assert.equal((await cluster.jobctl(["agents", "list", "--check"])).exitCode, 0);
    await cluster.agents[1]?.end("SIGKILL");
    await waitUntil("it is noticed", async () => (await states()).includes("unreachable"));
    const { exitCode, stderr } = await cluster.jobctl(["agents", "list", "--check"]);
    assert.equal(exitCode, 109);
    assert.match(stderr, /agent-2 is unreachable/);
    await cluster.startAgent(2);
    await waitUntil("it is back", async () => (await states()).every((state) => state === "ready"));
  });

  it("whose machines are busy get no new work, where that is asked for", async () => {
    await cluster.server.end("SIGTERM");
    // More than a hundredth of the memory is in use wherever this runs.
    await cluster.startServer({ JOBCTL_CAPACITY_THRESHOLD: "0.01" });
    await waitUntil("both are back", async () =>
      (await states()).every((state) => state === "ready"),
    );
    const id = await cluster.submitScript("true\n");
    assert.deepEqual(
      [(await cluster.job(id)).status, (await cluster.job(id)).reason],
      ["queued", "agents_busy"],
    );
    await cluster.server.end("SIGTERM");
    await cluster.startServer();
    await cluster.ok(["wait", String(id)]);
  });

  it("refuse calls without a session", async () => {
    const { url } = cluster.agents[0] ?? { url: "" };
    for (const path of ["/v1/watch", "/v1/attempts/1.1"]) {
      assert.equal((await fetch(url + path)).status, 401);
    }
    for (const path of ["/health", "/live", "/ready", "/health/live", "/health/ready", "/load"]) {
      assert.equal((await fetch(url + path)).status, 200);
    }
    const bare = await fetch(`${url}/load`, { headers: { accept: "text/plain" } });
    assert.match(await bare.text(), /^\d+(\.\d+)?$/);
  });
});

describe("an agent that is added while the server runs", () => {
  let cluster: Cluster;
  let url: string;
  before(async () => {
    cluster = await Cluster.start();
    await cluster.startAgent(2);
    url = cluster.agents[1]?.url ?? "";
  });
  after(() => cluster.stop());

  const known = async (): Promise<(string | null)[][]> => {
    const { items } = JSON.parse(await cluster.ok(["agents", "list", "--json"])) as {
      items: Agent[];
    };
    return items.map(({ name, origin }) => [name, origin]);
  };
  const configured = ["agent-1", "configured"];
  const added = ["agent-2", "added"];

  it("gets work at once, and after a restart", async () => {
    await cluster.ok(["agents", "drain", "agent-1"]);
    const id = await cluster.submitScript("true\n");
    assert.equal(await cluster.ok(["agents", "add", url]), "agent-2 is ready, 4 slots\n");
    await cluster.ok(["wait", String(id)]);
    assert.equal((await cluster.job(id)).agent, "agent-2");
    assert.deepEqual(await known(), [configured, added]);
    // Again is no mistake.
    assert.equal(await cluster.ok(["agents", "add", `${url}/`]), "agent-2 is ready, 4 slots\n");

    await cluster.server.end("SIGKILL");
    await cluster.startServer();
    assert.deepEqual(await known(), [configured, added]);
    await cluster.ok(["wait", String(await cluster.submitScript("true\n"))]);
    await cluster.ok(["agents", "resume", "agent-1"]);
  });

  it("can be removed when it has no jobs, and stays away", async () => {
    await cluster.ok(["agents", "drain", "agent-1"]);
    const id = await cluster.submitScript("sleep 600\n");
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    const refused = await cluster.jobctl(["agents", "remove", "agent-2"]);
    assert.equal(refused.exitCode, 109);
    assert.match(refused.stderr, /agent agent-2 has jobs: 1\n.*jobctl agents drain agent-2/);
    await cluster.ok(["cancel", "--wait", String(id)]);
    assert.equal(await cluster.ok(["agents", "remove", "agent-2"]), "agent-2 is removed\n");
    assert.deepEqual(await known(), [configured]);
    await cluster.server.end("SIGTERM");
    await cluster.startServer();
    assert.deepEqual(await known(), [configured]);
    await cluster.ok(["agents", "resume", "agent-1"]);
  });

  it("is not taken in when it cannot be used, and the message says why", async () => {
    const outcome = async (...args: string[]): Promise<[number, string]> => {
      const { exitCode, stderr } = await cluster.jobctl(["agents", ...args]);
      return [exitCode, stderr];
    };
    const assertRefused = async (args: string[], exitCode: number, message: RegExp) => {
      const [code, stderr] = await outcome(...args);
      assert.match(stderr, message);
      assert.equal(code, exitCode, stderr);
    };
    await assertRefused(["add", "agent:9000"], 2, /url: must be an http URL, like http:\/\/agent/);
    await assertRefused(["add", "nowhere"], 2, /url: must be an http URL/);
    await assertRefused(["add", `${url}/v1/watch`], 2, /url: must end with the port/);
    await assertRefused(["add", "http://127.0.0.1:1"], 108, /http:\/\/127.0.0.1:1 .*ECONNREFUSED/);
    await assertRefused(
      ["add", cluster.server.url],
      108,
      /was not added: .* has no POST .v1.session: it is an agent that is older than this server/,
    );
    await assertRefused(["remove", "agent-7"], 102, /no agent "agent-7"[^]*There are: agent-1/);
    await assertRefused(["remove", "agent-1"], 109, /agent-1 is configured\n.*JOBCTL_AGENTS/);

    await writeFile(join(cluster.root, "other.token"), "another-token-of-another-server\n");
    await cluster.startAgent(3, { JOBCTL_AGENT_TOKEN_FILE: join(cluster.root, "other.token") });
    const stranger = cluster.agents[2]?.url ?? "";
    await assertRefused(["add", stranger], 108, /JOBCTL_AGENT_TOKEN_FILE/);
    await cluster.startAgent(4, { JOBCTL_AGENT_NAME: "agent-1" });
    const twin = cluster.agents[3]?.url ?? "";
    await assertRefused(
      ["add", twin],
      108,
      /under the name agent-1\n.*each agent its own JOBCTL_AGENT_NAME/,
    );
    assert.deepEqual(await known(), [configured]);
  });
});
