import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { AgentSession, newServer } from "../support/agent-session.js";
import { AGENT_TOKEN, Cluster } from "../support/cluster.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const ADMIN_TOKEN = "test-admin-token";
const LIMIT = 5;
const PORTAL = "https://portal.example.org";

describe("access", () => {
  const withServer = async (
    server: Record<string, string>,
    work: (cluster: Cluster) => Promise<void>,
  ): Promise<void> => {
    const cluster = await Cluster.start({ agents: 0, server });
    try {
      await work(cluster);
    } finally {
      await cluster.stop();
    }
  };
  const many = (cluster: Cluster, headersOf: (n: number) => Record<string, string>) =>
    Promise.all(
      Array.from({ length: 6 * LIMIT }, (_, n) =>
        cluster.request("/v1/jobs", { headers: headersOf(n) }),
      ),
    );

  it("too many requests of one address are refused, and the command line tries again", (t) => {
    shows(t, "requests-are-limited");
    return withServer({ JOBCTL_RATE_LIMIT: String(LIMIT) }, async (cluster) => {
      const answers = await many(cluster, () => ({}));
      const refused = answers.filter(({ status }) => status === 429);
      assert.ok(refused.length >= LIMIT);
      assert.equal(refused[0]?.headers.get("retry-after"), "1");
      const body = JSON.stringify(await refused[0]?.json());
      assert.match(body, /"code":"rate_limited"/);
      assert.match(body, /more than 5 requests in a second from 127\.0\.0\.1/);
      // Whoever guesses tokens is slowed down too; whoever watches the server is not.
      const guesses = await many(cluster, (n) => ({ authorization: `Bearer guess-${n}` }));
      assert.ok(guesses.every(({ status }) => status === 401 || status === 429));
      assert.ok(guesses.some(({ status }) => status === 429));
      for (let n = 0; n < 3 * LIMIT; n += 1)
        assert.equal((await fetch(`${cluster.server.url}/live`)).status, 200);
      const calls = Array.from({ length: 2 * LIMIT }, () => cluster.jobctl(["status", "--json"]));
      for (const { exitCode } of await Promise.all(calls)) assert.equal(exitCode, 0);
    });
  });

  it("a client's address is taken from a proxy that is trusted, and from no other", async (t) => {
    shows(t, "requests-are-limited");
    const forwarded = (n: number) => ({ "x-forwarded-for": `192.0.2.${n}` });
    const server = { JOBCTL_RATE_LIMIT: String(LIMIT) };
    await withServer(server, async (cluster) => {
      assert.ok((await many(cluster, forwarded)).some(({ status }) => status === 429));
    });
    await withServer({ ...server, JOBCTL_TRUST_PROXY: "127.0.0.0/8" }, async (cluster) => {
      assert.ok((await many(cluster, forwarded)).every(({ status }) => status === 200));
    });
  });

  it("web pages of other origins may use it only when they are named", async (t) => {
    shows(t, "other-origins-are-refused");
    const preflight = (cluster: Cluster, origin: string): Promise<Response> =>
      fetch(`${cluster.server.url}/v1/jobs`, {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization",
        },
      });
    const allowed = (answer: Response): string | null =>
      answer.headers.get("access-control-allow-origin");
    await withServer({}, async (cluster) => {
      assert.equal(allowed(await preflight(cluster, PORTAL)), null);
    });
    await withServer({ JOBCTL_CORS_ORIGINS: PORTAL }, async (cluster) => {
      const answer = await preflight(cluster, PORTAL);
      assert.deepEqual([answer.status, allowed(answer)], [204, PORTAL]);
      assert.equal(allowed(await preflight(cluster, "https://evil.example.org")), null);
      const asked = await cluster.request("/v1/jobs", { headers: { origin: PORTAL } });
      assert.deepEqual([asked.status, allowed(asked)], [200, PORTAL]);
    });
  });
});

describe("tokens", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start();
  });
  after(() => cluster.stop());
  const statusWith = async (token: string): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` };
    return (await cluster.request("/v1/jobs", { headers })).status;
  };

  it("are replaced without a restart, and for a while both are valid", async (t) => {
    shows(t, "tokens-can-be-replaced");
    const file = join(cluster.root, "admin.token");
    await writeFile(file, `next-admin-token\n${ADMIN_TOKEN}\n`);
    await waitUntil("the new one is valid", async () => {
      return (await statusWith("next-admin-token")) === 200;
    });
    assert.equal(await statusWith(ADMIN_TOKEN), 200);
    // The command line sends the first line of the same file.
    await cluster.ok(["status"]);
    await writeFile(file, "next-admin-token\n");
    await waitUntil("the old one is not", async () => (await statusWith(ADMIN_TOKEN)) === 401);
    await cluster.ok(["status"]);
  });

  it("of the agents too, while jobs run", async (t) => {
    shows(t, "tokens-can-be-replaced");
    const running = await cluster.submitScript("sleep 3; echo done\n");
    const enrol = async (n: number, secret: string): Promise<string> => {
      const { url } = cluster.agents[n - 1] ?? { url: "" };
      return AgentSession.open(url, newServer([secret])).then(
        () => "enrolled",
        (error: Error) => error.message,
      );
    };
    await cluster.startAgent(2);
    await writeFile(join(cluster.root, "agent.token"), `next-agent-token\n${AGENT_TOKEN}\n`);
    await waitUntil("an agent that runs already takes the new one", async () => {
      return (await enrol(2, "next-agent-token")) === "enrolled";
    });
    await cluster.startAgent(3);
    assert.equal(await enrol(3, AGENT_TOKEN), "enrolled");
    await writeFile(join(cluster.root, "agent.token"), "next-agent-token\n");
    await cluster.startAgent(4);
    assert.match(await enrol(4, AGENT_TOKEN), /enrolment_refused/);
    // The server, too, has replaced its own, and the agent that it knows goes on.
    assert.match(
      await cluster.ok(["agents", "add", cluster.agents[3]?.url ?? ""]),
      /^agent-4 is ready/,
    );
    await cluster.ok(["wait", String(running)]);
    await cluster.submitScript("true\n", "--wait");
    assert.equal((await cluster.job(running)).attempt, 1);
  });
});
