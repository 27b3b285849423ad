import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { AGENT_TOKEN, Cluster } from "../support/cluster.js";
import type { DaemonProcess } from "../support/daemon-process.js";
import { jobArchive } from "../support/direct-submits.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const HOST = "host: x\r\n";
const POST = `POST /v1/jobs HTTP/1.1\r\n${HOST}TOKEN`;
const JSON_TYPE = "content-type: application/json\r\n";

/** What is written to a socket (TOKEN is the authorization header), and the status of the answer. */
const NONSENSE: readonly [string, string, number][] = [
  ["no request line", "GARBAGE\r\n\r\n", 400],
  ["an unknown method", `FOO / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["an unknown version", `GET / HTTP/9.9\r\n${HOST}\r\n`, 400],
  ["a TLS hello", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000", 400],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["a broken header", `GET / HTTP/1.1\r\n${HOST}bad header\r\n\r\n`, 400],
  ["headers without an end", `GET / HTTP/1.1\r\n${HOST}x: ${"a".repeat(3_000_000)}\r\n\r\n`, 431],
  ["no host", "GET /health HTTP/1.1\r\n\r\n", 400],
  ["a broken escape in the path", `GET /v1/%zz HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a path that is not there", `GET /nothing HTTP/1.1\r\n${HOST}TOKEN\r\n`, 404],
  ["HTTP/1.0", "GET /nothing HTTP/1.0\r\nTOKEN\r\n", 404],
  ["a method that a path does not take", `DELETE /live HTTP/1.1\r\n${HOST}TOKEN\r\n`, 405],
  ["CONNECT", `CONNECT a:80 HTTP/1.1\r\n${HOST}\r\n`, 405],
  ["an expectation", `${POST}expect: nonsense\r\n${JSON_TYPE}content-length: 2\r\n\r\n`, 417],
  ["an unknown type", `${POST}content-type: text/plain\r\ncontent-length: 2\r\n\r\n{}`, 415],
  ["no type", `${POST}content-length: 2\r\n\r\n{}`, 415],
  ["a broken type", `${POST}content-type: ;;;\r\ncontent-length: 2\r\n\r\n{}`, 415],
  ["broken JSON", `${POST}${JSON_TYPE}content-length: 1\r\n\r\n{`, 400],
  [
    "an announced body that is too long",
    `${POST}${JSON_TYPE}content-length: 99999999\r\n\r\n`,
    413,
  ],
  ["a length that is no number", `${POST}${JSON_TYPE}content-length: abc\r\n\r\n`, 400],
  ["a negative length", `${POST}${JSON_TYPE}content-length: -5\r\n\r\n`, 400],
  ["two lengths", `${POST}${JSON_TYPE}content-length: 5\r\ncontent-length: 6\r\n\r\n`, 400],
  [
    "a length and chunks",
    `${POST}${JSON_TYPE}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ["a broken chunk", `${POST}${JSON_TYPE}transfer-encoding: chunked\r\n\r\nzz\r\n`, 400],
  ["an unknown encoding", `${POST}transfer-encoding: gzip\r\n\r\n`, 400],
];

/** Statuses that depend on the daemon: an agent has no /v1/jobs, and a standby refuses what it knows. */
const ELSEWHERE: Readonly<Record<string, readonly number[]>> = {
  server: [],
  standby: [503],
  agent: [404],
};

describe("whatever bytes a connection brings", () => {
  let cluster: Cluster;
  let standby: DaemonProcess;
  before(async () => {
    cluster = await Cluster.start();
    standby = await cluster.startStandby();
  });
  after(async () => {
    await standby.end("SIGTERM");
    await cluster.stop();
  });

  const targets: Readonly<Record<string, () => readonly [string, string]>> = {
    server: () => [cluster.server.url, cluster.authorization["authorization"] ?? ""],
    standby: () => [standby.url, cluster.authorization["authorization"] ?? ""],
    agent: () => [cluster.agents[0]?.url ?? "", `Bearer ${AGENT_TOKEN}`],
  };

  for (const [target, find] of Object.entries(targets))
    it(`the ${target} answers in the schema of errors, with the right status`, async () => {
      const [url, authorization] = find();
      for (const [what, bytes, status] of NONSENSE) {
        const request = bytes.replace("TOKEN", `authorization: ${authorization}\r\n`);
        const answer = await ask(url, request);
        const possible = [status, ...(ELSEWHERE[target] ?? [])];
        assert.ok(possible.includes(answer.status), `${what}: ${answer.status} ${answer.body}`);
        assert.equal(answer.schema, "jobctl.error/v1", `${what}: ${answer.body}`);
        assert.ok(answer.message.length > 0);
      }
    });

  it("names the methods that a path takes", async () => {
    const answer = await cluster.request("/v1/jobs", { method: "DELETE" });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.get("allow"), "GET, HEAD, POST");
  });

  it("a part of a path that is too long is refused as that", async () => {
    const answer = await cluster.request(`/v1/jobs/${"1".repeat(5000)}`);
    assert.equal(answer.status, 414);
    const { error } = (await answer.json()) as { error: { code: string } };
    assert.equal(error.code, "uri_too_long");
  });
});

describe("the options of a submit", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({ agents: 0 });
  });
  after(() => cluster.stop());

  const part = (headers: string, body: string | Buffer): Buffer =>
    Buffer.concat([Buffer.from(`--x\r\n${headers}\r\n\r\n`), Buffer.from(body), CRLF]);
  const named = (name: string): string => `content-disposition: form-data; name="${name}"`;
  const archive = (): Buffer =>
    part(`${named("archive")}; filename="job.tar"`, jobArchive("true\n"));
  const submitForm = (...parts: Buffer[]): Promise<Response> =>
    cluster.request("/v1/jobs", {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=x" },
      body: Buffer.concat([...parts, Buffer.from("--x--\r\n")]),
    });
  const submit = (type: string, options: string): Promise<Response> =>
    submitForm(part(`${named("job")}${type}`, options), archive());

  for (const type of [
    "",
    "application/json",
    "application/json; charset=utf-8",
    'application/json;charset="UTF-8"',
    "text/plain",
  ])
    it(`are read from a part of type ${JSON.stringify(type)}`, async () => {
      const header = type === "" ? "" : `\r\ncontent-type: ${type}`;
      const answer = await submit(header, '{"name":"from a part"}');
      assert.equal(answer.status, 201, await answer.clone().text());
      assert.equal(((await answer.json()) as { name: string }).name, "from a part");
      for (const options of ["{", "[]", '"x"', "5", `{"name":"${"x".repeat(300_000)}"}`]) {
        const refused = await submit(header, options);
        assert.ok([400, 413].includes(refused.status), `${options.slice(0, 9)}: ${refused.status}`);
        const { error } = (await refused.json()) as { error: { message: string } };
        assert.match(error.message, /job/);
      }
    });

  it("are refused when they come after the archive, and nothing is left", async () => {
    const { length } = await cluster.blobs();
    const options = part(named("job"), '{"name":"too late"}');
    for (const second of [options, archive()]) {
      const answer = await submitForm(archive(), second);
      assert.equal(answer.status, 400, await answer.clone().text());
      const { error } = (await answer.json()) as { error: { message: string; hint: string } };
      assert.match(error.message, /comes? after the archive|once/);
    }
    assert.equal((await cluster.blobs()).length, length);
    assert.deepEqual(await cluster.temporaryFiles(), []);
    assert.equal((await submitForm(archive())).status, 201);
  });

  it("may be missing, and an upload without them is let go when the client leaves", async () => {
    const whole = Buffer.concat([archive(), part(named("job"), "{}")]);
    const socket = connect(Number(new URL(cluster.server.url).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `POST /v1/jobs HTTP/1.1\r\nhost: x\r\nauthorization: ${cluster.authorization["authorization"]}\r\n` +
        `content-type: multipart/form-data; boundary=x\r\ncontent-length: ${whole.length}\r\n\r\n`,
    );
    socket.write(archive());
    await waitUntil("it is being stored", async () => (await cluster.temporaryFiles()).length > 0);
    socket.destroy();
    await waitUntil("nothing is left", async () => (await cluster.temporaryFiles()).length === 0);
  });
});

describe("a submit with more labels than anyone reads", () => {
  it("is refused", async () => {
    const cluster = await Cluster.start({ agents: 0 });
    try {
      const labels = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`k${n}`, "v"]));
      const answer = await cluster.request("/v1/jobs", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ labels }),
      });
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), /labels: must not be more than 64/);
    } finally {
      await cluster.stop();
    }
  });
});

const CRLF = Buffer.from("\r\n");

describe("one address with very many connections", () => {
  let cluster: Cluster;
  before(async () => {
    const server = { JOBCTL_MAX_CONNECTIONS_PER_ADDRESS: "10" };
    cluster = await Cluster.start({ agents: 0, server });
  });
  after(() => cluster.stop());

  it("is told so, and has its place again when it closes some", async (t) => {
    shows(t, "requests-are-limited");
    const { hostname, port } = new URL(cluster.server.url);
    const sockets: Socket[] = [];
    for (let n = 0; n < 10; n += 1) {
      const socket = connect(Number(port), hostname);
      sockets.push(socket);
      await once(socket, "connect");
    }
    const refusals = await Promise.all(
      Array.from({ length: 20 }, () =>
        ask(cluster.server.url, `GET /health HTTP/1.1\r\n${HOST}\r\n`),
      ),
    );
    for (const refusal of refusals) {
      assert.equal(refusal.status, 429);
      assert.equal(refusal.schema, "jobctl.error/v1");
      assert.match(refusal.message, /has 10 connections open/);
    }
    for (const socket of sockets) socket.destroy();
    await waitUntil("it is served again", async () => {
      const answer = await ask(cluster.server.url, `GET /live HTTP/1.1\r\n${HOST}\r\n`);
      return answer.status === 200;
    });
    const figures = await (await fetch(`${cluster.server.url}/metrics`)).text();
    const [, refused = "0"] = /^jobctl_connections_refused_total (\d+)$/m.exec(figures) ?? [];
    assert.ok(Number(refused) >= 20);
    const log = await readFile(join(cluster.root, "server.log"), "utf8");
    assert.equal(log.split('"connections_refused"').length, 2);
  });
});

describe("the figures", () => {
  const withCluster = async (
    settings: Record<string, string>,
    use: (urls: readonly string[], cluster: Cluster) => Promise<void>,
  ): Promise<void> => {
    const cluster = await Cluster.start({
      server: { JOBCTL_HOST: "0.0.0.0", ...settings },
      agent: { JOBCTL_AGENT_HOST: "0.0.0.0", ...settings },
    });
    try {
      await use([cluster.server.url, cluster.agents[0]?.url ?? ""], cluster);
    } finally {
      await cluster.stop();
    }
  };
  const statusOf = async (url: string, headers: Record<string, string> = {}): Promise<number> => {
    const answer = await fetch(`${url}/metrics`, { headers });
    const text = await answer.text();
    if (answer.status !== 200) assert.match(text, /"jobctl\.error\/v1"/);
    return answer.status;
  };
  /** The same daemon at an address of this machine that is not loopback, where it has one. */
  const fromOutside = (url: string): string | null => {
    const own = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.internal === false && address.family === "IPv4");
    return own === undefined ? null : `http://${own.address}:${new URL(url).port}`;
  };

  it("are for this machine only, and not for a proxy on it", () =>
    withCluster({}, async (urls) => {
      for (const url of urls) {
        assert.equal(await statusOf(url), 200);
        assert.equal(await statusOf(url, { "x-forwarded-for": "127.0.0.1" }), 401);
        assert.equal(await statusOf(url, { forwarded: "for=127.0.0.1" }), 401);
        const outside = fromOutside(url);
        if (outside !== null) assert.equal(await statusOf(outside), 401);
      }
    }));

  it("are for everyone on a network that the operator trusts, but not through a proxy", () =>
    withCluster({ JOBCTL_METRICS_OPEN: "true" }, async (urls) => {
      for (const url of urls) {
        assert.equal(await statusOf(fromOutside(url) ?? url), 200);
        assert.equal(await statusOf(url, { "x-forwarded-for": "192.0.2.1" }), 401);
      }
    }));

  it("are for who has the token, where there is one, and the token is not logged", () =>
    withCluster({ JOBCTL_METRICS_TOKEN: "test-metrics-token" }, async (urls, cluster) => {
      for (const url of urls) {
        assert.equal(await statusOf(url), 401);
        assert.equal(await statusOf(url, { authorization: "Bearer wrong" }), 401);
        assert.equal(await statusOf(url, { authorization: "Bearer test-metrics-token" }), 200);
        const path = `${url}/v1/test-metrics-token`;
        await (await fetch(path)).text();
      }
      for (const name of ["server.log", "agent-1.log"])
        assert.doesNotMatch(await readFile(join(cluster.root, name), "utf8"), /test-metrics-token/);
    }));
});

describe("what the server writes", () => {
  it("is for its own user, also what an earlier version has left open", async () => {
    const cluster = await Cluster.start({ agents: 0 });
    try {
      await cluster.submitScript("true\n");
      assert.deepEqual(await openToOthers(cluster.dataPath), []);
      await cluster.server.end("SIGKILL");
      for (const name of ["jobctl.db", "lock.db"]) await chmod(join(cluster.dataPath, name), 0o644);
      await writeFile(join(cluster.dataPath, "jobctl.db-shm"), "", { flag: "a" });
      await chmod(join(cluster.dataPath, "jobctl.db-shm"), 0o644);
      await cluster.startServer();
      assert.deepEqual(await openToOthers(cluster.dataPath), []);
    } finally {
      await cluster.stop();
    }
  });
});

/** Files and folders below a path that others than its user may read or write. */
async function openToOthers(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of [".", ...(await readdir(path, { recursive: true }))]) {
    const { mode } = await stat(join(path, name));
    if ((mode & 0o077) !== 0) found.push(`${name} ${(mode & 0o777).toString(8)}`);
  }
  return found;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly schema: string | null;
  readonly message: string;
}

/** Sends bytes over a connection of its own; @returns the first answer. */
async function ask(url: string, bytes: string): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  let received = "";
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString();
  });
  socket.write(Buffer.from(bytes, "latin1"));
  await waitUntil("an answer has come", () => isComplete(received) || socket.closed);
  socket.destroy();
  const [head, body] = splitAnswer(received);
  const parsed = parseError(body);
  return {
    status: Number(head.split(" ")[1] ?? 0),
    body,
    schema: parsed?.schema ?? null,
    message: parsed?.error?.message ?? "",
  };
}

function splitAnswer(received: string): [string, string] {
  const end = received.indexOf("\r\n\r\n");
  return end === -1 ? ["", ""] : [received.slice(0, end), received.slice(end + 4)];
}

function isComplete(received: string): boolean {
  const [head, body] = splitAnswer(received);
  const [, length] = /^content-length: (\d+)/im.exec(head) ?? [];
  return length !== undefined && Buffer.byteLength(body) >= Number(length);
}

function parseError(body: string): { schema?: string; error?: { message?: string } } | null {
  try {
    return JSON.parse(body) as { schema?: string; error?: { message?: string } };
  } catch {
    return null;
  }
}
