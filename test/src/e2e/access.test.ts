import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Cluster } from "../support/cluster.js";

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

  it("too many requests of one address are refused, and the command line tries again", () =>
    withServer({ JOBCTL_RATE_LIMIT: String(LIMIT) }, async (cluster) => {
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
    }));

  it("a client's address is taken from a proxy that is trusted, and from no other", async () => {
    const forwarded = (n: number) => ({ "x-forwarded-for": `192.0.2.${n}` });
    const server = { JOBCTL_RATE_LIMIT: String(LIMIT) };
    await withServer(server, async (cluster) => {
      assert.ok((await many(cluster, forwarded)).some(({ status }) => status === 429));
    });
    await withServer({ ...server, JOBCTL_TRUST_PROXY: "127.0.0.0/8" }, async (cluster) => {
      assert.ok((await many(cluster, forwarded)).every(({ status }) => status === 200));
    });
  });

  it("web pages of other origins may use it only when they are named", async () => {
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
