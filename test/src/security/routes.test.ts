import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Cluster } from "../support/cluster.js";
import { shows } from "../support/shows.js";

/** Answered to everyone: what these tell has no job in it. */
const OPEN = [
  "/health",
  "/health/live",
  "/health/ready",
  "/live",
  "/load",
  "/metrics",
  "/ready",
] as const;
/** The handshake, which is where an agent learns who calls. */
const HANDSHAKE = "/v1/session";

describe("every route that a daemon serves", () => {
  let directory: string;
  let cluster: Cluster;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "jobctl-routes-"));
    const listing = (name: string): Record<string, string> => ({
      NODE_OPTIONS: `--import ${import.meta.resolve("../support/list-routes.js")}`,
      ROUTES_FILE: join(directory, name),
    });
    cluster = await Cluster.start({ server: listing("server"), agent: listing("agent") });
    await cluster.submitScript("true\n", "--wait");
  });
  after(async () => {
    await cluster.stop();
    await rm(directory, { recursive: true });
  });

  /** Method and path of each, with a value for each parameter. */
  const routesOf = async (kind: "server" | "agent"): Promise<(readonly [string, string])[]> => {
    const lines = (await readFile(join(directory, kind), "utf8")).trim().split("\n");
    return [...new Set(lines)].toSorted().map((line) => {
      const [method = "", template = ""] = line.split(" ");
      const id = kind === "server" ? "1" : "1.1";
      return [method, template.replace(":id", id).replaceAll(/:\w+|\*/g, "x")];
    });
  };
  const ask = async (url: string, method: string, token: string | null): Promise<number> => {
    const headers: Record<string, string> =
      token === null ? {} : { authorization: `Bearer ${token}` };
    const answer = await fetch(url, { method, headers });
    await answer.body?.cancel();
    return answer.status;
  };

  for (const kind of ["server", "agent"] as const) {
    it(`of the ${kind} refuses calls without a token, and with a wrong one, but those that are open`, async (t) => {
      const daemon = kind === "server" ? cluster.server : cluster.agents[0];
      const routes = await routesOf(kind);
      const guarded = routes.filter(
        ([, path]) => path !== HANDSHAKE && !OPEN.some((open) => open === path),
      );
      for (const [method, path] of guarded) {
        for (const token of [null, "guess", "test-agent-token"])
          assert.equal(await ask(`${daemon?.url}${path}`, method, token), 401, `${method} ${path}`);
      }
      assert.ok(
        guarded.some(([, path]) => path === (kind === "server" ? "/v1/jobs" : "/v1/watch")),
      );
      const opened = routes.filter((route) => !guarded.includes(route));
      const expected =
        kind === "server" ? OPEN.filter((path) => path !== "/load") : [...OPEN, HANDSHAKE];
      assert.deepEqual([...new Set(opened.map(([, path]) => path))], expected.toSorted());
      for (const [method, path] of opened) {
        const status = await ask(`${daemon?.url}${path}`, method, null);
        assert.equal(status, path === HANDSHAKE ? 400 : 200, `${method} ${path}`);
      }
      shows(t, "every-route-needs-a-token", {
        what: `routes of the ${kind}, without a token and with two wrong ones`,
        times: guarded.length,
      });
    });
  }
});
