import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";

import type { Agent } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { AgentSession, newServer, serverOf } from "../support/agent-session.js";
import { AGENT_TOKEN, Cluster } from "../support/cluster.js";
import type { DaemonProcess } from "../support/daemon-process.js";
import { freePort } from "../support/free-port.js";
import { shows } from "../support/shows.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import { waitUntil } from "../support/wait-until.js";

const WITHOUT_SECRET = { JOBCTL_AGENT_TOKEN_FILE: "" };

describe("an agent's identity", () => {
  const clusters: Cluster[] = [];
  afterEach(async () => {
    for (const cluster of clusters.splice(0)) await cluster.stop();
  });
  const start = async (options: Parameters<typeof Cluster.start>[0] = {}): Promise<Cluster> => {
    const cluster = await Cluster.start(options);
    clusters.push(cluster);
    return cluster;
  };
  const agentsOf = async (cluster: Cluster): Promise<Agent[]> =>
    (JSON.parse(await cluster.ok(["agents", "list", "--json"])) as { items: Agent[] }).items;
  const untilState = (cluster: Cluster, state: Agent["state"], at = 0): Promise<void> =>
    waitUntil(
      `agent ${at} is ${state}`,
      async () => (await agentsOf(cluster))[at]?.state === state,
    );
  const untilProblem = async (cluster: Cluster, problem: RegExp, at = 0): Promise<void> =>
    waitUntil(`agent ${at} has the problem ${problem}`, async () =>
      problem.test((await agentsOf(cluster))[at]?.problem ?? ""),
    );
  const identityOf = (cluster: Cluster, n: number): string =>
    join(cluster.root, `agent-${n}`, "identity.json");

  /** What a daemon has logged of an event. */
  const linesOf = async (
    cluster: Cluster,
    log: string,
    event: string,
  ): Promise<Record<string, unknown>[]> =>
    (await readFile(join(cluster.root, log), "utf8"))
      .split("\n")
      .filter((text) => text.includes(`"${event}"`))
      .map((text) => JSON.parse(text) as Record<string, unknown>);

  it("is proved without a secret on the wire, and shown", async (t) => {
    shows(t, "agents-have-identities");
    const wire: Buffer[] = [];
    const proxies: TcpProxy[] = [];
    const cluster = await start({
      via: async (url) => {
        const proxy = await TcpProxy.start(url);
        proxies.push(proxy);
        proxy.onForward = (chunk) => void wire.push(chunk);
        proxy.onBack = (chunk) => wire.push(chunk) > 0;
        return proxy.url;
      },
    });
    try {
      await cluster.submitScript("true\n", "--wait");
      const said = Buffer.concat(wire).toString("latin1");
      assert.ok(said.includes("POST /v1/session"));
      assert.ok(!said.includes(AGENT_TOKEN));
      assert.match(said, /jobctl-installation: [0-9a-f-]{36}/i);
      // The token of the session comes after the proofs of both.
      assert.ok(said.indexOf("Bearer ") > said.indexOf("PUT /v1/session"));
      const [agent] = await agentsOf(cluster);
      assert.match(agent?.key?.fingerprint ?? "", /^[0-9a-f]{4}(:[0-9a-f]{4}){3}$/);
      assert.match(await cluster.ok(["agents", "list"]), /KEY[^]*[0-9a-f]{4}:[0-9a-f]{4}/);
    } finally {
      await cluster.server.end("SIGTERM");
      for (const proxy of proxies) await proxy.stop();
    }
  });

  it("needs the shared secret only for the first contact", async () => {
    const cluster = await start();
    await untilState(cluster, "ready");
    await cluster.server.end("SIGTERM");
    await cluster.agents[0]?.end("SIGTERM");
    await cluster.startAgent(1, WITHOUT_SECRET);
    await cluster.startServer(WITHOUT_SECRET);
    await cluster.submitScript("true\n", "--wait");
    // A broken identity is not taken for a new agent.
    await cluster.agents[0]?.end("SIGTERM");
    const identity = await readFile(identityOf(cluster, 1));
    await writeFile(identityOf(cluster, 1), "{");
    await assert.rejects(cluster.startAgent(1, WITHOUT_SECRET), /identity\.json cannot be read/);
    await writeFile(identityOf(cluster, 1), identity);
    await cluster.startAgent(1, WITHOUT_SECRET);
    // A new one has nothing to prove itself with.
    await assert.rejects(
      cluster.startAgent(2, WITHOUT_SECRET),
      /JOBCTL_AGENT_TOKEN_FILE is not set/,
    );
    await cluster.startAgent(2);
    const { exitCode, stderr } = await cluster.jobctl([
      ...["agents", "add", cluster.agents[1]?.url ?? ""],
    ]);
    assert.equal(exitCode, 108, stderr);
    assert.match(stderr, /agent-2 is new, and this server has no enrolment secret.*\n.*--one-time/);
  });

  it("can be enrolled with a secret of its own, once, before the agent runs", async () => {
    const cluster = await start({ agents: 0, server: WITHOUT_SECRET });
    const port = String(await freePort());
    const url = `http://127.0.0.1:${port}`;
    const { stdout, stderr } = await cluster.jobctl(["agents", "add", url, "--one-time"]);
    assert.match(stdout, /^[A-Za-z0-9_-]{43}\n$/);
    assert.match(stderr, /JOBCTL_AGENT_TOKEN_FILE of the agent at http.*\n.*expires at 20/);
    await untilProblem(cluster, /ECONNREFUSED/);
    const file = join(cluster.root, "own.token");
    await writeFile(file, stdout);
    await cluster.startAgent(1, { JOBCTL_AGENT_PORT: port, JOBCTL_AGENT_TOKEN_FILE: file });
    await untilState(cluster, "ready");
    await cluster.submitScript("true\n", "--wait");
    // It is used up: the same agent with another key would need a new one.
    await cluster.agents[0]?.end("SIGTERM");
    await rm(identityOf(cluster, 1));
    await cluster.ok(["agents", "forget-key", "agent-1"]);
    await cluster.startAgent(1, { JOBCTL_AGENT_TOKEN_FILE: file });
    await untilProblem(cluster, /no enrolment secret/);
    for (const log of ["server.log", "agent-1.log"])
      assert.ok(!(await readFile(join(cluster.root, log), "utf8")).includes(stdout.trim()));
  });

  it("can be enrolled with a secret from a file or from stdin, and with no other", async () => {
    const cluster = await start({ agents: 0 });
    const [own, other] = [join(cluster.root, "own.token"), join(cluster.root, "other.token")];
    await writeFile(own, "a-secret-of-this-agent\n");
    await writeFile(other, "a-secret-of-another-one\n");
    await cluster.startAgent(1, { JOBCTL_AGENT_TOKEN_FILE: own });
    const url = cluster.agents[0]?.url ?? "";
    const wrong = await cluster.jobctl(["agents", "add", url, "--secret-file", other]);
    assert.equal(wrong.exitCode, 108);
    assert.match(wrong.stderr, /was not added: this agent is not enrolled/);
    assert.deepEqual(await agentsOf(cluster), []);
    const nobody = await cluster.jobctl(["agents", "add", "http://127.0.0.1:1"]);
    assert.match(
      nobody.stderr,
      /http:\/\/127\.0\.0\.1:1 was not added: it cannot be reached: connect/,
    );
    const none = await cluster.jobctl(["agents", "add", url, "--secret-file", "/dev/null"]);
    assert.match(none.stderr, /there is no secret in \/dev\/null/);
    await cluster.ok(["agents", "add", url, "--secret-file", "-"], {
      input: "a-secret-of-this-agent\n",
    });
    await cluster.submitScript("true\n", "--wait");
  });

  it("is enough for an enrolled agent, whatever secret waits for its address", async () => {
    const cluster = await start();
    await untilState(cluster, "ready");
    const url = cluster.agents[0]?.url ?? "";
    await cluster.server.end("SIGTERM");
    const database = new Database(join(cluster.dataPath, "jobctl.db"));
    database
      .prepare("INSERT INTO enrolments (url, secret, expires_at) VALUES (?, 'old', 1)")
      .run(url);
    await cluster.startServer();
    await untilState(cluster, "ready");
    assert.deepEqual(database.prepare("SELECT url FROM enrolments").all(), []);
    database.close();
  });

  it("stays with an agent that has moved when its old address is removed", async () => {
    const cluster = await start({
      agents: 0,
      server: { JOBCTL_AGENT_DEAD_SECONDS: "2", JOBCTL_AGENT_POLL_SECONDS: "1" },
    });
    await cluster.startAgent(1);
    const old = cluster.agents[0]?.url ?? "";
    await cluster.ok(["agents", "add", old]);
    await cluster.agents[0]?.end("SIGTERM");
    await untilState(cluster, "lost");
    await cluster.startAgent(1, { JOBCTL_AGENT_PORT: String(await freePort()) });
    const now = cluster.agents[0]?.url ?? "";
    await cluster.ok(["agents", "add", now]);
    await cluster.ok(["agents", "remove", old]);
    const [agent] = await agentsOf(cluster);
    assert.deepEqual([agent?.url, agent?.state], [now, "ready"]);
    assert.notEqual(agent?.key, null);
  });

  it("is not enrolled twice: an operator who adds a known agent is told what stands in the way", async () => {
    const cluster = await start();
    await untilState(cluster, "ready");
    const url = cluster.agents[0]?.url ?? "";
    const wrong = join(cluster.root, "wrong.token");
    await writeFile(wrong, "a-secret-of-another-one\n");
    for (const how of [["--secret-file", wrong], ["--one-time"]]) {
      const { exitCode, stdout, stderr } = await cluster.jobctl(["agents", "add", url, ...how]);
      assert.equal(exitCode, 109, stdout);
      assert.match(stderr, /is enrolled as agent-1[^]*jobctl agents forget-key agent-1/);
    }
    await cluster.ok(["agents", "forget-key", "agent-1"]);
    // No secret was left behind: the shared one counts.
    await untilState(cluster, "ready");
    assert.match(await cluster.ok(["agents", "add", url]), /^agent-1 is ready/);
    await cluster.agents[0]?.end("SIGTERM");
    const gone = await cluster.jobctl(["agents", "add", url]);
    assert.equal(gone.exitCode, 108, gone.stdout);
    assert.match(gone.stderr, /cannot be reached/);
  });

  it("is enrolled with the shared secret again when an operator gives up the one-time secret", async () => {
    const cluster = await start({ agents: 0 });
    const port = String(await freePort());
    const url = `http://127.0.0.1:${port}`;
    await cluster.ok(["agents", "add", url, "--one-time"]);
    await cluster.startAgent(1, { JOBCTL_AGENT_PORT: port });
    await untilProblem(
      cluster,
      /waits for the one-time secret of this address until 20.*jobctl agents add .* --secret-file/,
    );
    const reasons = (await linesOf(cluster, "server.log", "agent_unreachable")).map(
      ({ code }) => code,
    );
    assert.deepEqual(reasons, ["agent_unreachable", "enrolment_refused"]);
    const wrong = join(cluster.root, "wrong.token");
    await writeFile(wrong, "a-secret-of-another-one\n");
    const refused = await cluster.jobctl(["agents", "add", url, "--secret-file", wrong]);
    assert.equal(refused.exitCode, 107, refused.stdout + refused.stderr);
    assert.match(refused.stderr, /secret that the agent has in its JOBCTL_AGENT_TOKEN_FILE/);
    // A failure changes nothing: the server still waits for the secret that it made.
    await untilProblem(cluster, /waits for the one-time secret/);
    assert.match(await cluster.ok(["agents", "add", url]), /^agent-1 is ready/);
    await cluster.submitScript("true\n", "--wait");
  });

  it("is proved with a secret that is a small file: nothing else is waited for", async () => {
    const cluster = await start({ agents: 0 });
    const fifo = join(cluster.root, "fifo");
    execFileSync("mkfifo", [fifo]);
    const large = join(cluster.root, "large");
    await writeFile(large, "x".repeat(64 * 1024 + 1));
    const add = (file: string, input?: string) =>
      cluster.jobctl(["agents", "add", "http://127.0.0.1:1", "--secret-file", file], {
        ...(input === undefined ? {} : { input }),
        timeoutMs: 20_000,
      });
    const short = join(cluster.root, "short");
    await writeFile(short, "12345\n");
    for (const [file, problem] of [
      [short, /short has 5 characters; at least 16 are needed\n.*urandom/],
      [fifo, /fifo cannot be used: it is not a file/],
      [cluster.root, /is a directory/],
      [large, /large cannot be used: it has more than 65536 bytes/],
      [join(cluster.root, "absent"), /there is no file .*absent/],
    ] as const) {
      const { exitCode, stderr } = await add(file);
      assert.match(stderr, problem);
      assert.ok(exitCode === 2 || exitCode === 102, `exit code ${exitCode}`);
    }
    const endless = await add("-", "x".repeat(64 * 1024 + 1));
    assert.match(endless.stderr, /stdin cannot be used: it has more than 65536 bytes/);
  });

  it("belongs to one installation: another one is refused, also with the shared secret", async (t) => {
    shows(t, "agents-have-identities");
    const first = await start();
    await first.submitScript("true\n", "--wait");
    const url = first.agents[0]?.url ?? "";
    const second = await start({ agents: 0 });
    const { exitCode, stderr } = await second.jobctl(["agents", "add", url]);
    assert.equal(exitCode, 108);
    assert.match(stderr, /agent agent-1 serves installation [0-9a-f-]{36}/);
    assert.match(stderr, /delete \/.*identity\.json and start it/);
    await assert.rejects(AgentSession.open(url, newServer()), /installation_mismatch/);
    const refused = (await linesOf(first, "agent-1.log", "session_refused")).map(
      ({ code, installation }) => ({ code, installation }),
    );
    const { installation } = serverOf(second);
    assert.deepEqual(refused, [{ code: "installation_mismatch", installation: installation.id }]);
    await untilState(first, "ready");
    await first.submitScript("true\n", "--wait");
    // An operator gives it away.
    await first.server.end("SIGTERM");
    await first.agents[0]?.end("SIGTERM");
    await rm(identityOf(first, 1));
    await first.startAgent(1);
    assert.match(await second.ok(["agents", "add", url]), /^agent-1 is ready/);
  });

  it("is lost with its data directory; the name is free when an operator says so", async (t) => {
    shows(t, "agents-have-identities");
    const cluster = await start();
    await cluster.submitScript("true\n", "--wait");
    const before = (await agentsOf(cluster))[0]?.key?.fingerprint;
    await cluster.agents[0]?.end("SIGTERM");
    await rm(join(cluster.root, "agent-1"), { recursive: true });
    await cluster.startAgent(1);
    await untilProblem(cluster, /the name agent-1 is bound to .*jobctl agents forget-key agent-1/);
    const [lost] = await agentsOf(cluster);
    assert.equal(lost?.problemCode, "agent_key_mismatch");
    assert.match(lost?.problemHint ?? "", /jobctl agents forget-key agent-1$/);
    const { stdout } = await cluster.jobctl(["doctor", "--json"]);
    const { items } = JSON.parse(stdout) as { items: { check: string; hint: string }[] };
    const found = items.find(({ check }) => check === "agent agent-1");
    assert.equal(found?.hint, lost?.problemHint);
    assert.equal((await cluster.jobctl(["agents", "forget-key", "nobody"])).exitCode, 102);
    assert.match(await cluster.ok(["agents", "forget-key", "agent-1"]), /agent-1 is forgotten/);
    await untilState(cluster, "ready");
    assert.notEqual((await agentsOf(cluster))[0]?.key?.fingerprint, before);
    await cluster.submitScript("true\n", "--wait");
  });

  it("survives a restore of the server from a backup", async () => {
    const cluster = await start();
    await cluster.submitScript("true\n", "--wait");
    const { installation } = serverOf(cluster);
    const backup = join(cluster.root, "backup");
    await cluster.ok(["backup", backup]);
    await cluster.server.end("SIGTERM");
    await rm(cluster.dataPath, { recursive: true });
    await cluster.ok([
      "restore",
      join(backup, "latest"),
      "--data",
      cluster.dataPath,
      "--take-over",
    ]);
    await cluster.startServer(WITHOUT_SECRET);
    await cluster.submitScript("true\n", "--wait");
    assert.deepEqual(serverOf(cluster).installation, installation);
  });

  it("is kept for a restored server while the connection of the one before is half open", async () => {
    const cluster = await start();
    await cluster.submitScript("true\n", "--wait");
    const backup = join(cluster.root, "backup");
    await cluster.ok(["backup", backup]);
    for (let restarts = 0; restarts < 3; restarts++) {
      await cluster.server.end("SIGTERM");
      await cluster.startServer();
    }
    await untilState(cluster, "ready");
    const before = serverOf(cluster).epoch;
    // Its machine is gone as far as anybody can tell, and nothing closes its connections.
    process.kill(cluster.server.pid, "SIGSTOP");
    const dataPath = join(cluster.root, "restored");
    await cluster.ok(["restore", join(backup, "latest"), "--data", dataPath, "--take-over"]);
    const restored = await cluster.startStandby({ JOBCTL_DATA_PATH: dataPath });
    try {
      await waitUntil("the agent is the restored server's", async () => {
        const answer = await fetch(`${restored.url}/v1/agents`, { headers: cluster.authorization });
        const { items } = (await answer.json()) as { items: Agent[] };
        return items[0]?.state === "ready";
      });
      const answer = await fetch(`${restored.url}/v1/admin/leader`, {
        headers: cluster.authorization,
      });
      const { epoch } = (await answer.json()) as { epoch: number };
      assert.ok(epoch > before, `${epoch} after ${before}`);
      // The older server goes on, and the newer one is away for a while.
      await restored.end("SIGKILL");
      process.kill(cluster.server.pid, "SIGCONT");
      await untilProblem(cluster, new RegExp(`newer server .* has epoch ${epoch}`));
    } finally {
      process.kill(cluster.server.pid, "SIGCONT");
      await cluster.server.end("SIGKILL");
      await restored.end("SIGTERM");
    }
  });

  it("is kept from a copy of the server, and its streams end when a newer one takes over", async () => {
    const cluster = await start();
    await untilState(cluster, "ready");
    await cluster.server.end("SIGTERM");
    const dataPath = join(cluster.root, "copy");
    await cp(cluster.dataPath, dataPath, { recursive: true });
    await cluster.startServer();
    await untilState(cluster, "ready");
    const own = serverOf(cluster);
    const agentOf = async (server: DaemonProcess): Promise<Agent | undefined> => {
      const answer = await fetch(`${server.url}/v1/agents`, { headers: cluster.authorization });
      return ((await answer.json()) as { items: Agent[] }).items[0];
    };
    let copy = await cluster.startStandby({ JOBCTL_DATA_PATH: dataPath });
    try {
      await waitUntil("the copy is refused", async () =>
        /another server of the same installation with the same epoch \d+/.test(
          (await agentOf(copy))?.problem ?? "",
        ),
      );
      await cluster.submitScript("true\n", "--wait");
      // Started once more it is the newer one.
      await copy.end("SIGTERM");
      copy = await cluster.startStandby({ JOBCTL_DATA_PATH: dataPath });
      await waitUntil("it has the agent", async () => (await agentOf(copy))?.state === "ready");
      await untilProblem(cluster, new RegExp(`which has epoch ${own.epoch + 1}`));
      assert.notEqual((await agentOf(cluster.server))?.state, "ready");
      assert.equal((await agentOf(copy))?.state, "ready");
    } finally {
      await copy.end("SIGTERM");
    }
    // It is gone. The agent is not the older one's again before somebody says so.
    await cluster.agents[0]?.end("SIGKILL");
    await cluster.startAgent(1);
    await untilProblem(cluster, /jobctl-server --take-over/);
    await cluster.server.end("SIGTERM");
    await cluster.startServer({}, ["--take-over"]);
    await untilState(cluster, "ready");
    await cluster.submitScript("true\n", "--wait");
  });

  it("is compared in every call: sessions of others, and other epochs, are refused", async () => {
    const cluster = await start();
    await untilState(cluster, "ready");
    const server = serverOf(cluster);
    const url = cluster.agents[0]?.url ?? "";
    const session = await AgentSession.open(url, server);
    const call = async (headers: Record<string, string>): Promise<string> => {
      const answer = await fetch(`${url}/v1/attempts`, {
        headers: { ...session.headers, ...headers },
      });
      const body = (await answer.json()) as { error?: { code: string } };
      return `${answer.status} ${body.error?.code ?? "ok"}`;
    };
    assert.equal(await call({}), "200 ok");
    assert.equal(
      await call({ "jobctl-installation": newServer().installation.id }),
      "409 installation_mismatch",
    );
    assert.equal(await call({ "jobctl-epoch": String(server.epoch - 1) }), "409 epoch_outdated");
    assert.equal(await call({ authorization: `Bearer ${AGENT_TOKEN}` }), "401 unauthorized");
    await assert.rejects(
      AgentSession.open(url, { ...server, epoch: server.epoch - 1 }),
      /epoch_outdated/,
    );
    // The server notices that its session has ended, and begins another one.
    await cluster.submitScript("true\n", "--wait");
    assert.equal(await call({}), "401 unauthorized");
  });

  for (const [kind, problem, prepare] of [
    [
      "a copied data folder",
      /the name agent-1|under the name agent-1/,
      (cluster: Cluster) =>
        cp(join(cluster.root, "agent-1"), join(cluster.root, "agent-2"), { recursive: true }),
    ],
    ["a new data folder", /agent-1/, () => Promise.resolve()],
  ] as const) {
    it(`is kept from another agent of the same name with ${kind}, which is named and never served`, async () => {
      const cluster = await start();
      await untilState(cluster, "ready");
      await cluster.server.end("SIGTERM");
      await prepare(cluster);
      await cluster.startAgent(2, { JOBCTL_AGENT_NAME: "agent-1" });
      const [first = "", second = ""] = cluster.agents.map(({ url }) => url);
      const agentAt = async (url: string): Promise<Agent | undefined> =>
        (await agentsOf(cluster)).find((agent) => agent.url === url);
      for (const order of [
        [second, first],
        [first, second],
      ]) {
        await cluster.startServer({ JOBCTL_AGENTS: order.join(",") });
        await waitUntil("the other one is refused", async () =>
          problem.test((await agentAt(second))?.problem ?? ""),
        );
        await waitUntil(
          "the first one is ready",
          async () => (await agentAt(first))?.state === "ready",
        );
        const { length } = await linesOf(cluster, "server.log", "agent_ready");
        const before = (await linesOf(cluster, "agent-2.log", "attempt_running")).length;
        // The first one goes and comes back: the name stays its own.
        await cluster.agents[0]?.end("SIGTERM");
        await cluster.startAgent(1);
        for (let n = 0; n < 3; n += 1) await cluster.submitScript("true\n", "--wait");
        const urls = (await linesOf(cluster, "server.log", "agent_ready"))
          .slice(length)
          .map(({ url }) => url);
        assert.deepEqual(new Set(urls), new Set([first]));
        assert.equal((await linesOf(cluster, "agent-2.log", "attempt_running")).length, before);
        await cluster.server.end("SIGTERM");
      }
      await cluster.startServer();
    });
  }

  it("of an agent that is older than the server is asked for in vain, and the problem says so", async () => {
    const old = createServer((_request, response) => {
      response.writeHead(404, { "content-type": "application/json" }).end("{}");
    }).listen(0, "127.0.0.1");
    await once(old, "listening");
    const { port } = old.address() as AddressInfo;
    try {
      const cluster = await start({ agents: 0, agentUrls: [`http://127.0.0.1:${port}`] });
      await untilProblem(cluster, /older than this server.*Upgrade the agent/);
    } finally {
      old.closeAllConnections();
      old.close();
    }
  });
});
