import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";

import { AGENT_TOKEN, Cluster } from "../support/cluster.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const ADMIN_TOKEN = "test-admin-token";

/** As much of Sentry as takes reports in: its address, and what has arrived. */
class Ingest {
  readonly reports: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const sent = await buffer(request);
      const isPacked = request.headers["content-encoding"] === "gzip";
      this.reports.push((isPacked ? gunzipSync(sent) : sent).toString());
      response.end("{}");
    });
  }

  static async start(): Promise<Ingest> {
    const ingest = new Ingest();
    ingest.#server.listen(0, "127.0.0.1");
    await once(ingest.#server, "listening");
    return ingest;
  }

  get dsn(): string {
    return `http://publickey@127.0.0.1:${(this.#server.address() as AddressInfo).port}/1`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }
}

describe("the daemons' logs", () => {
  let cluster: Cluster;
  let ingest: Ingest;
  before(async () => {
    ingest = await Ingest.start();
    cluster = await Cluster.start({
      server: { JOBCTL_LOG_LEVEL: "trace", JOBCTL_ENV: "testing", SENTRY_DSN: ingest.dsn },
      agent: { JOBCTL_LOG_LEVEL: "trace" },
    });
  });
  after(async () => {
    await cluster.stop();
    await ingest.stop();
  });
  const logOf = (name: string): Promise<string> =>
    readFile(join(cluster.root, `${name}.log`), "utf8");
  const damageResultOf = async (id: number): Promise<void> => {
    const { result } = await cluster.job(id);
    await appendFile(cluster.blobPath(result?.sha256 ?? ""), "x");
  };

  it("are JSON, a line an event, and one search finds a job in both", async (t) => {
    shows(t, "logs-can-be-followed");
    const id = await cluster.submitScript("true\n", "--wait");
    const find = async (name: string): Promise<Record<string, unknown>[]> =>
      (await logOf(name))
        .trim()
        .split("\n")
        .filter((line) => line.includes(`"jobId":${id},`))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const [server, agent] = [await find("server"), await find("agent-1")];
    for (const { event, time, level, app, attempt } of [...server, ...agent]) {
      assert.equal(new Date(String(time)).toISOString(), time);
      assert.match(`${String(event)} ${String(level)}`, /^[a-z_]+ (debug|info)$/);
      assert.match(String(app), /^jobctl-(server|agent)$/);
      if (attempt !== undefined) assert.equal(attempt, 1);
    }
    const events = (lines: typeof server): unknown[] => lines.map(({ event }) => event);
    assert.deepEqual([events(server).length > 2, events(agent).length > 2], [true, true]);
    for (const { env } of server) assert.equal(env, "testing");
  });

  it("hold nothing else, and no warning, however many clients follow a job", async () => {
    const go = join(cluster.root, "go");
    const id = await cluster.submitScript(`until [ -e ${go} ]; do sleep 0.05; done; echo done\n`);
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    const followers = Array.from({ length: 30 }, async () => {
      const answer = await cluster.request(`/v1/jobs/${id}/logs?follow=1`);
      assert.equal(await answer.text(), "done\n");
    });
    const waiters = Array.from({ length: 30 }, async () => {
      const answer = await cluster.request(`/v1/jobs/${id}/wait?until=terminal`);
      assert.equal(((await answer.json()) as { status: string }).status, "completed");
    });
    await waitUntil("all are there", async () => {
      const figures = await (await cluster.request("/metrics")).text();
      return Number(/^http_requests_in_flight (\d+)$/m.exec(figures)?.[1]) > 60;
    });
    await writeFile(go, "");
    await Promise.all([...followers, ...waiters]);
    for (const name of ["server", "agent-1"])
      for (const line of (await logOf(name)).trim().split("\n"))
        assert.notEqual((JSON.parse(line) as { event: string }).event, "process_warning", line);
  });

  it("have the warnings of Node.js as well", async () => {
    const warning = "setInterval(() => process.emitWarning('something odd'), 100).unref()";
    const other = await Cluster.start({
      agents: 0,
      server: {
        NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(warning)}`,
      },
    });
    try {
      await waitUntil("there is one", async () =>
        /"level":"warn".*"event":"process_warning".*something odd/.test(
          await readFile(join(other.root, "server.log"), "utf8"),
        ),
      );
    } finally {
      await other.stop();
    }
  });

  it("and reports of errors carry the ids, and never a token", async (t) => {
    shows(t, "tokens-are-not-shown");
    const id = await cluster.submitScript("true\n", "--wait");
    await damageResultOf(id);
    const headers = { "x-request-id": `request-of-${ADMIN_TOKEN}` };
    const answer = await cluster.request(`/v1/jobs/${id}/result?t=${ADMIN_TOKEN}`, { headers });
    assert.equal(answer.status, 500);
    // The damage is reported as well.
    const find = () => ingest.reports.find((text) => text.includes('"request_failed"'));
    await waitUntil("the report is there", () => find() !== undefined);
    const report = find() ?? "";
    const event = JSON.parse(report.split("\n")[2] ?? "") as {
      tags: Record<string, string>;
      environment: string;
      exception: { values: { value: string; stacktrace: unknown }[] };
    };
    assert.equal(event.environment, "testing");
    assert.match(
      event.exception.values[0]?.value ?? "",
      /the stored file [0-9a-f]{64} has changed/,
    );
    assert.ok(event.exception.values[0]?.stacktrace);
    assert.deepEqual(event.tags, {
      app: "jobctl-server",
      event: "request_failed",
      requestId: "request-of-[redacted]",
      jobId: String(id),
      method: "GET",
      route: "/v1/jobs/:id/result",
    });
    const log = await logOf("server");
    assert.match(log, /"requestId":"request-of-\[redacted\]"/);
    for (const text of [...ingest.reports, log, await logOf("agent-1")])
      for (const token of [ADMIN_TOKEN, AGENT_TOKEN]) assert.ok(!text.includes(token));
  });

  it("what a server says while it goes down is no error", async () => {
    const reported = ingest.reports.length;
    const id = await cluster.submitScript("sleep 600\n");
    const waiting = cluster.request(`/v1/jobs/${id}/wait`);
    await cluster.server.end("SIGTERM");
    await waiting.catch(() => {});
    assert.equal(ingest.reports.length, reported);
    assert.doesNotMatch(await logOf("server"), /"level":"error".*draining/);
    await cluster.startServer();
    await cluster.ok(["cancel", String(id), "--wait"]);
  });

  it("a server whose reports cannot arrive anywhere says so and does not start", async () => {
    await cluster.server.end("SIGTERM");
    await assert.rejects(
      cluster.startServer({ SENTRY_DSN: "https://sentry.example.org/1" }),
      /SENTRY_DSN is not a DSN of Sentry's/,
    );
    await cluster.startServer();
  });

  it("are for people when they are asked to be", async () => {
    await cluster.server.end("SIGTERM");
    await writeFile(join(cluster.root, "server.log"), "");
    await cluster.startServer({ JOBCTL_LOG_FORMAT: "pretty" });
    const id = await cluster.submitScript("true\n", "--wait");
    await damageResultOf(id);
    await cluster.request(`/v1/jobs/${id}/result?t=${ADMIN_TOKEN}`);
    const log = await logOf("server");
    assert.match(log, /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: ready  {"url":"http:/m);
    assert.match(log, /^\[.*\] ERROR: request_failed the stored file [0-9a-f]{64} has changed/m);
    assert.ok(!log.includes(ADMIN_TOKEN));
  });
});
