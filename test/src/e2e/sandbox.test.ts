import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Cluster } from "../support/cluster.js";
import { NARROW_LIMITS, NO_RULES, defineEscapes } from "../support/escapes.js";
import { findProcesses } from "../support/processes.js";
import { hasBubblewrap, unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const SLEEP = "sleep 87654";
const KILLS = 5;

describe("an agent whose sandbox breaks", { skip: unless("bubblewrap", hasBubblewrap) }, () => {
  it("takes no more jobs until it works again, and none fails for it", async (t) => {
    shows(t, "broken-sandbox-fails-no-job");
    const bin = await mkdtemp(join(tmpdir(), "jobctl-bin-"));
    // bubblewrap, until there is a file that says otherwise; for the first agent only.
    const broken = join(bin, "broken");
    const wrapper = `#!/bin/bash
[[ -e ${broken} ]] && { echo "bwrap: No permissions" >&2; exit 1; }
exec /usr/bin/bwrap "$@"
`;
    await writeFile(join(bin, "bwrap"), wrapper, { mode: 0o755 });
    const cluster = await Cluster.start({
      agents: 2,
      agent: { JOBCTL_AGENT_SANDBOX: "bubblewrap", JOBCTL_AGENT_SLOTS: "2" },
    });
    try {
      await cluster.agents[0]?.end("SIGTERM");
      await cluster.startAgent(1, { PATH: `${bin}:${process.env["PATH"]}` });
      const states = async (): Promise<string> => {
        const { items } = JSON.parse(await cluster.ok(["agents", "list", "--json"])) as {
          items: { state: string }[];
        };
        return items.map(({ state }) => state).join();
      };
      await waitUntil("both are ready", async () => (await states()) === "ready,ready");
      await writeFile(broken, "");
      const submits = Array.from({ length: 8 }, () => cluster.submitScript("sleep 0.3\n"));
      const ids = await Promise.all(submits);
      await cluster.ok(["wait", ...ids.map(String)]);
      for (const id of ids) {
        const { status, agent } = await cluster.job(id);
        assert.deepEqual([status, agent], ["completed", "agent-2"]);
      }
      assert.equal(await states(), "draining,ready");
      const health = await fetch(`${cluster.agents[0]?.url}/ready`);
      assert.equal(health.status, 503);
      assert.match(await health.text(), /cannot make a sandbox here: bwrap: No permissions/);
      await rm(broken);
      await waitUntil("it works again", async () => (await states()) === "ready,ready");
      await cluster.ok(["agents", "drain", "agent-2"]);
      const last = await cluster.submitScript("true\n", "--wait");
      assert.equal((await cluster.job(last)).agent, "agent-1");
    } finally {
      await cluster.stop();
      await rm(bin, { recursive: true });
    }
  });
});

describe("from inside a sandbox", { skip: unless("bubblewrap", hasBubblewrap) }, () => {
  let cluster: Cluster;
  let outside: ReturnType<typeof createServer>;
  before(async () => {
    cluster = await Cluster.start({
      server: {
        SERVICE_DEFAULT_RULES: NO_RULES,
        SERVICE_ONLINE_RULES: NO_RULES,
        SERVICE_ONLINE_NETWORK: "true",
      },
      agent: {
        JOBCTL_AGENT_SANDBOX: "bubblewrap",
        JOBCTL_AGENT_SERVICES: "default,online",
        ...NARROW_LIMITS,
      },
    });
    outside = createServer((_request, response) => response.end("reached")).listen(0, "127.0.0.1");
    await once(outside, "listening");
  });
  after(async () => {
    outside.close();
    await cluster.stop();
  });

  defineEscapes(() => ({
    cluster,
    agentUrl: cluster.agents[0]?.url ?? "",
    agentPid: cluster.agents[0]?.pid ?? 0,
    dataPath: join(cluster.root, "agent-1"),
    tokenFile: join(cluster.root, "agent.token"),
  }));

  it("a job cannot see or touch another job", async (t) => {
    shows(t, "jobs-are-apart");
    const victim = await cluster.submitScript(`echo secret > secret.txt; ${SLEEP}\n`);
    await waitUntil(
      "the other one runs",
      async () => (await findProcesses(SLEEP.replace(" ", "\0"))).length > 0,
    );
    const script =
      "ls /job/..; cat ../*/secret.txt /job/../*/workspace/secret.txt; ps -e -o args= | grep -c 'sleep 8765[4]'; pkill sleep; kill -9 -1\n";
    const id = await cluster.submitScript(script);
    await cluster.jobctl(["wait", String(id)]);
    assert.doesNotMatch(
      await cluster.ok(["logs", String(id), "--stream", "stdout"]),
      /secret|^1$/m,
    );
    assert.equal((await cluster.job(victim)).status, "running");
    await cluster.ok(["cancel", String(victim), "--wait"]);
  });

  it("a job has the network only where its service has it", async (t) => {
    shows(t, "job-has-no-network");
    const { port } = outside.address() as AddressInfo;
    const script = `exec 3<> /dev/tcp/127.0.0.1/${port} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3 | tail -n 1\n`;
    const offline = await cluster.submitScript(script);
    await cluster.jobctl(["wait", String(offline)]);
    assert.equal((await cluster.job(offline)).status, "failed");
    const online = await cluster.submitScript(script, "--service", "online", "--wait");
    assert.equal(await cluster.ok(["logs", String(online)]), "reached");
  });

  it("nothing survives the agent when it is killed", async (t) => {
    shows(t, "nothing-outlives-a-job");
    const id = await cluster.submitScript(`(setsid ${SLEEP} &) ; ${SLEEP}\n`);
    await waitUntil(
      "it runs",
      async () => (await findProcesses(SLEEP.replace(" ", "\0"))).length >= 2,
    );
    await cluster.agents[0]?.end("SIGKILL");
    await waitUntil(
      "its processes are gone",
      async () => (await findProcesses(SLEEP.replace(" ", "\0"))).length === 0,
    );
    await cluster.startAgent(1);
    await waitUntil("it runs again", async () => (await cluster.job(id)).attempt === 2);
    await cluster.ok(["cancel", String(id), "--wait"]);
  });

  it("nothing survives an agent that is killed while it starts a job", async (t) => {
    for (let round = 1; round <= KILLS; round += 1) {
      const id = await cluster.submitScript(`exec ${SLEEP}\n`);
      const record = join(cluster.root, `agent-1/attempts/${id}.1/record.json`);
      await waitUntil("the attempt is on the agent", () => existsSync(record));
      await cluster.agents[0]?.end("SIGKILL");
      await cluster.startAgent(1);
      await waitUntil("it runs again", async () => {
        const { attempt, status } = await cluster.job(id);
        return attempt === 2 && status === "running";
      });
      await waitUntil("only the second attempt is alive", async () => {
        return (await findProcesses(SLEEP.replace(" ", "\0"))).length === 1;
      });
      await cluster.ok(["cancel", String(id), "--wait"]);
      assert.deepEqual(await findProcesses(SLEEP.replace(" ", "\0")), []);
    }
    shows(t, "nothing-outlives-a-job", {
      what: "agents killed while they start a job",
      times: KILLS,
    });
  });

  it("the environment of a job is in nobody's arguments", async () => {
    const id = await cluster.submitScript(`${SLEEP}\n`, "--env", "PASSPHRASE=open-sesame");
    await waitUntil(
      "it runs",
      async () => (await findProcesses(SLEEP.replace(" ", "\0"))).length > 0,
    );
    const commands = await Promise.all(
      (await readdir("/proc"))
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
    );
    assert.ok(commands.every((command) => !command.includes("open-sesame")));
    await cluster.ok(["cancel", String(id), "--wait"]);
    assert.doesNotMatch(await readFile(join(cluster.root, "agent-1.log"), "utf8"), /open-sesame/);
  });
});

describe("an agent whose sandbox does not work", () => {
  it("does not start, and says what to do", async (t) => {
    shows(t, "broken-sandbox-fails-no-job");
    const start = Cluster.start({
      agent: { JOBCTL_AGENT_SANDBOX: "bubblewrap", PATH: "/nowhere" },
    });
    await assert.rejects(start, /bubblewrap is not installed/);
  });
});
