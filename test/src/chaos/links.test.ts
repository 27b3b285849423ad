import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";

import type { Breaker } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { stopWithoutLeftovers } from "../support/leftovers.js";
import { findProcesses } from "../support/processes.js";
import { shows } from "../support/shows.js";
import { counted, startsOf } from "../support/starts.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import { waitUntil } from "../support/wait-until.js";

const MEBIBYTE = 1024 ** 2;

describe("when the link to an agent fails", () => {
  let cluster: Cluster;
  let proxies: TcpProxy[];
  afterEach(async () => {
    try {
      await stopWithoutLeftovers(cluster);
    } finally {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    }
  });

  const start = async (agents: number, deadSeconds: number): Promise<void> => {
    proxies = [];
    cluster = await Cluster.start({
      agents,
      via: async (url) => {
        const proxy = await TcpProxy.start(url);
        proxies.push(proxy);
        return proxy.url;
      },
      server: {
        JOBCTL_AGENT_POLL_SECONDS: "1",
        JOBCTL_AGENT_DEAD_SECONDS: String(deadSeconds),
      },
    });
  };
  const proxy = (n: number): TcpProxy => proxies[n] as TcpProxy;
  /** The proxy in front of the agent that has a job. */
  const proxyOf = async (id: number): Promise<TcpProxy> => {
    const { agent } = await cluster.job(id);
    const { items } = JSON.parse(await cluster.ok(["agents", "list", "--json"]));
    const url = items.find(({ name }: { name: string }) => name === agent).url;
    return proxies.find((candidate) => candidate.url === url) as TcpProxy;
  };

  for (const [how, fail] of [
    ["cut", (link: TcpProxy) => link.reset()],
    ["half closed", (link: TcpProxy) => link.halfClose()],
  ] as const) {
    it(`${how} before the reply to a dispatch, the attempt is started once`, async (t) => {
      shows(t, "one-start-per-attempt");
      shows(t, "trouble-on-the-way-fails-no-job");
      await start(1, 30);
      let dropped = false;
      proxy(0).onForward = (chunk) => {
        if (dropped || !chunk.toString("latin1").startsWith("PUT /v1/attempts/")) return;
        dropped = true;
        // Whatever the agent says to it does not arrive.
        proxy(0).onBack = () => false;
        setTimeout(() => {
          fail(proxy(0));
          proxy(0).onBack = () => true;
        }, 500);
      };
      const id = await cluster.submitScript(counted(cluster, "sleep 2; echo done"));
      await cluster.ok(["wait", String(id)]);
      assert.ok(dropped);
      assert.deepEqual(await startsOf(cluster, id), [`${id}.1`]);
      assert.deepEqual(
        [(await cluster.job(id)).status, (await cluster.job(id)).attempt],
        ["completed", 1],
      );
    });
  }

  it("for less than the dead threshold, the job runs on and says why it is not heard of", async (t) => {
    shows(t, "one-start-per-attempt");
    shows(t, "trouble-on-the-way-fails-no-job");
    await start(1, 30);
    const id = await cluster.submitScript(counted(cluster, "sleep 3; echo done"));
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    proxy(0).cut();
    await waitUntil("it is noticed", async () => {
      const { status, reason } = await cluster.job(id);
      return status === "running" && reason === "agent_unreachable";
    });
    proxy(0).heal();
    await cluster.ok(["wait", String(id)]);
    assert.deepEqual(await startsOf(cluster, id), [`${id}.1`]);
    assert.equal((await cluster.job(id)).attempt, 1);
  });

  it("for longer, another agent runs it again, and only one result counts", async (t) => {
    shows(t, "one-start-per-attempt");
    shows(t, "one-outcome-per-job");
    shows(t, "trouble-on-the-way-fails-no-job");
    await start(2, 2);
    const id = await cluster.submitScript(
      counted(cluster, "[ $JOBCTL_ATTEMPT = 1.2 ] || sleep 600; echo $JOBCTL_ATTEMPT > result.txt"),
    );
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    const first = (await cluster.job(id)).agent;
    const link = await proxyOf(id);
    link.cut();
    await cluster.ok(["wait", String(id)]);
    const job = await cluster.job(id);
    assert.deepEqual([job.status, job.attempt], ["completed", 2]);
    assert.notEqual(job.agent, first);
    assert.equal(
      (await findProcesses(join(cluster.root, `${first}/attempts/${id}.1`))).length > 0,
      true,
      "the first still runs",
    );
    link.heal();
    await waitUntil(
      "nothing of the first is left",
      async () =>
        (await findProcesses(join(cluster.root, `${first}/attempts/${id}.1`))).length === 0 &&
        (await readdir(join(cluster.root, `${first}/attempts`))).length === 0,
    );
    await waitUntil("its slot is free again", async () => {
      const agent = cluster.agents.find((_, index) => `agent-${index + 1}` === first);
      const load = (await (await fetch(`${agent?.url}/load`)).json()) as { slotsUsed: number };
      return load.slotsUsed === 0;
    });
    assert.deepEqual(await startsOf(cluster, id), [`${id}.1`, `${id}.2`]);
    assert.deepEqual(
      job.attempts.map(({ number, endedAs }) => [number, endedAs]),
      [
        [1, "lost"],
        [2, "collected"],
      ],
    );
    await cluster.ok(["download", String(id), "-o", "out"]);
    assert.equal(await readFile(join(cluster.root, "out/result.txt"), "utf8"), `${id}.2\n`);
  });

  it("while a result is transferred, it goes on where it was", async (t) => {
    shows(t, "results-are-kept-until-stored");
    await start(1, 30);
    const sizeBytes = 64 * MEBIBYTE;
    let cuts = 0;
    let next = 16 * MEBIBYTE;
    proxy(0).onBack = () => {
      if (proxy(0).bytesBack > next && cuts < 2) {
        cuts += 1;
        next += 16 * MEBIBYTE;
        proxy(0).reset();
      }
      return true;
    };
    const id = await cluster.submitScript(
      `head -c ${sizeBytes} /dev/urandom > big.bin\n`,
      "--wait",
    );
    assert.equal(cuts, 2);
    // Once in full, and what was on its way when it was cut.
    assert.ok(proxy(0).bytesBack < 1.25 * sizeBytes, `${proxy(0).bytesBack} bytes`);
    const out = join(cluster.root, "out.tar");
    await cluster.ok(["download", String(id), "--archive", out]);
    const { result } = await cluster.job(id);
    assert.equal(
      createHash("sha256")
        .update(await readFile(out))
        .digest("hex"),
      result?.sha256,
    );
  });

  it("because the agent dies in the middle of a transfer, it goes on after its restart", async (t) => {
    shows(t, "results-are-kept-until-stored");
    shows(t, "one-start-per-attempt");
    await start(1, 30);
    const sizeBytes = 64 * MEBIBYTE;
    const restarts: Promise<void>[] = [];
    proxy(0).onBack = () => {
      if (proxy(0).bytesBack > 16 * MEBIBYTE && restarts.length === 0) {
        const restart = async (): Promise<void> => {
          await cluster.agents[0]?.end("SIGKILL");
          await cluster.startAgent(1);
        };
        restarts.push(restart());
      }
      return true;
    };
    const script = counted(cluster, `head -c ${sizeBytes} /dev/urandom > big.bin`);
    const id = await cluster.submitScript(script);
    await cluster.ok(["wait", String(id)]);
    assert.equal(restarts.length, 1);
    await Promise.all(restarts);
    assert.ok(proxy(0).bytesBack < 1.25 * sizeBytes, `${proxy(0).bytesBack} bytes`);
    assert.deepEqual(await startsOf(cluster, id), [`${id}.1`]);
    assert.equal((await cluster.job(id)).status, "completed");
  });

  it("calls that keep failing are held back until they are let through again", async () => {
    await start(1, 60);
    // The stream that tells whether the agent is there goes on; every call is cut.
    proxy(0).onForward = (chunk) => {
      if (chunk.toString("latin1").includes(" /v1/attempts/")) proxy(0).reset();
    };
    const id = await cluster.submitScript(counted(cluster, "echo done"));
    const breaker = async () => {
      const answer = await cluster.request("/v1/circuit-breakers");
      const { items } = (await answer.json()) as { items: Breaker[] };
      return items[0] as Breaker;
    };
    await waitUntil("the breaker opens", async () => (await breaker()).state === "open");
    assert.ok((await breaker()).retryAfterSeconds > 30);
    proxy(0).onForward = () => {};
    assert.match(await cluster.ok(["agents", "list", "--no-header"]), /\topen\t/);
    assert.match(await cluster.ok(["agents", "reset", "agent-1"]), /let through/);
    await cluster.ok(["wait", String(id)]);
    assert.deepEqual(await startsOf(cluster, id), [`${id}.1`]);
    assert.equal((await breaker()).state, "closed");
    assert.equal((await cluster.jobctl(["agents", "reset", "nobody"])).exitCode, 102);
    assert.equal((await cluster.jobctl(["agents", "reset"])).exitCode, 2);
  });
});
