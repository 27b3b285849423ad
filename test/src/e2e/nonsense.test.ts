import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { signalWithin } from "@jobctl/daemon";

import { AgentSession, serverOf } from "../support/agent-session.js";
import { Cluster } from "../support/cluster.js";
import { jobArchive, uploadOf } from "../support/direct-submits.js";
import { waitUntil } from "../support/wait-until.js";

const OPENAPI = new URL("../../../docs/openapi.json", import.meta.url);

/** Values for anything that a path, a query or a header can hold. */
const VALUES = [
  "",
  "abc",
  "-1",
  "0",
  "1.5",
  "1e99",
  "99999999999999999999",
  "9007199254740993",
  "null",
  "true",
  "[object Object]",
  "a=b",
  "1,2,x",
  "2026-13-45",
  "'; DROP TABLE jobs; --",
  "😀",
  "x".repeat(3000),
].map(encodeURIComponent);
/** What no encoder would produce. */
const RAW = ["%00", "%ff", "%", "..%2f..%2fetc%2fpasswd"];
const BODIES = [
  "",
  "{",
  "null",
  "[]",
  '"x"',
  "5",
  "{}",
  '{"url":5}',
  '{"url":"nowhere"}',
  '{"url":"http://[::"}',
  '{"url":"http://u:p@h:1"}',
  '{"deadlineSeconds":-1}',
  '{"deadlineSeconds":1e300}',
  '{"__proto__":{}}',
];
const TYPES = ["application/json", "multipart/form-data; boundary=x", "text/plain", "nonsense"];

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly type?: string;
}

/**
 * Calls of one route, each with something in it that does not belong there.
 *
 * @param id what stands in the path when something else is wrong
 */
function* nonsense(
  method: string,
  template: string,
  queries: readonly string[],
  id: string,
): Generator<Call> {
  const withBody = method === "POST" || method === "PUT";
  const filled = (value: string): string => template.replaceAll(/\{\w+\}/g, value);
  if (template.includes("{"))
    for (const value of [...VALUES, ...RAW]) yield { method, path: filled(value) };
  const path = filled(id);
  yield { method, path: `${path}?bogus=1` };
  for (const query of queries)
    for (const value of [...VALUES, ...RAW]) yield { method, path: `${path}?${query}=${value}` };
  if (!withBody) return;
  for (const body of BODIES) for (const type of TYPES) yield { method, path, body, type };
}

describe("whatever nonsense is sent", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start();
    await cluster.submitScript("echo out > out.txt\n", "--wait");
  });
  after(() => cluster.stop());

  /** Sends it all; @returns what was answered with a failure. */
  async function failures(
    send: (path: string, init: RequestInit) => Promise<Response>,
    calls: Iterable<Call>,
  ): Promise<string[]> {
    const failed: string[] = [];
    for (const { method, path, body, type } of calls) {
      const limit = signalWithin(10_000);
      const answer = await send(path, {
        method,
        headers: type === undefined ? {} : { "content-type": type },
        ...(body === undefined ? {} : { body }),
        // Of an answer that does not end, its beginning is enough.
        signal: limit.signal,
      });
      if (answer.status >= 500)
        failed.push(`${method} ${path} ${type ?? ""} ${body ?? ""}: ${answer.status}`);
      await answer.body?.cancel();
      limit.release();
    }
    return failed;
  }
  const errorsOf = async (log: string): Promise<string[]> =>
    (await readFile(join(cluster.root, log), "utf8"))
      .split("\n")
      .filter((line) => line.includes('"level":"error"'));

  it("the server says what is wrong with it", async () => {
    const { paths } = JSON.parse(await readFile(OPENAPI, "utf8")) as {
      paths: Record<string, Record<string, { parameters?: { in: string; name: string }[] }>>;
    };
    const calls = Object.entries(paths).flatMap(([template, methods]) =>
      Object.entries(methods).flatMap(([method, { parameters = [] }]) => {
        const queries = parameters.filter((parameter) => parameter.in === "query");
        const names = queries.map(({ name }) => name);
        return [...nonsense(method.toUpperCase(), template, names, "1")];
      }),
    );
    assert.ok(calls.length > 1000);
    const send = (path: string, init: RequestInit) => cluster.request(path, init);
    assert.deepEqual(await failures(send, calls), []);
    assert.deepEqual(await errorsOf("server.log"), []);
  });

  it("an upload that is cut anywhere is refused, and nothing of it is left", async () => {
    const { headers, body } = uploadOf(jobArchive("true\n", Buffer.alloc(4000)));
    const blobs = await cluster.blobs();
    for (let length = 0; length < body.length; length += length < 400 ? 9 : 301) {
      const answer = await cluster.request("/v1/jobs", {
        method: "POST",
        headers: { ...headers, "content-length": String(length) },
        body: body.subarray(0, length),
      });
      assert.equal(answer.status, 400, `of ${length} bytes`);
      await answer.body?.cancel();
    }
    assert.deepEqual(await cluster.temporaryFiles(), []);
    assert.deepEqual(await cluster.blobs(), blobs);
    assert.deepEqual(await errorsOf("server.log"), []);
  });

  it("so does an agent", async () => {
    const url = cluster.agents[0]?.url ?? "";
    const session = await AgentSession.open(url, serverOf(cluster));
    const job = await cluster.submitScript("sleep 600\n");
    await waitUntil("it runs", async () => (await cluster.job(job)).status === "running");
    const calls = (
      [
        ["GET", "/v1/attempts/{id}", []],
        ["PUT", "/v1/attempts/{id}", []],
        ["GET", "/v1/attempts/{id}/logs", ["stream", "offset", "follow"]],
        ["GET", "/v1/attempts/{id}/result", []],
        ["GET", "/v1/attempts/{id}/workspace", []],
        ["GET", "/v1/watch", ["heartbeatSeconds"]],
        ["POST", "/v1/attempts/{id}/cancel", []],
        ["DELETE", "/v1/attempts/{id}", []],
        ["POST", "/v1/session", []],
        ["PUT", "/v1/session", []],
      ] as const
    ).flatMap(([method, template, queries]) => [
      ...nonsense(method, template, queries, `${job}.1`),
    ]);
    const send = (path: string, init: RequestInit) => session.fetch(path, init);
    assert.deepEqual(await failures(send, calls), []);
    assert.deepEqual(await errorsOf("agent-1.log"), []);
  });
});
