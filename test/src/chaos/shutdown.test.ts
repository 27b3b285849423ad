import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, describe, it } from "node:test";

import { Cluster } from "../support/cluster.js";
import { SubmitLoad, jobArchive, uploadOf } from "../support/direct-submits.js";
import { stopWithoutLeftovers } from "../support/leftovers.js";
import { findProcesses } from "../support/processes.js";
import { shows } from "../support/shows.js";
import { counted, startsOf } from "../support/starts.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import { waitUntil } from "../support/wait-until.js";

const MEBIBYTE = 1024 ** 2;
/** More than the buffers between two processes hold. */
const LARGE = 24 * MEBIBYTE;

describe("SIGTERM under load", () => {
  let cluster: Cluster;
  let proxies: TcpProxy[] = [];
  afterEach(async () => {
    try {
      await stopWithoutLeftovers(cluster);
    } finally {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
      proxies = [];
    }
  });

  /** A request of its own connection, so that no other's end is seen by it. */
  const open = (method: string, path: string, headers: Record<string, string> = {}) =>
    request(cluster.server.url + path, {
      ...{ method, agent: false },
      headers: { ...cluster.authorization, ...headers },
    });
  const answerOf = async (outgoing: ClientRequest): Promise<IncomingMessage> => {
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    return answer;
  };

  it("the server finishes what has begun, refuses what is new, and ends with 0", async (t) => {
    shows(t, "sigterm-cuts-nothing-off");
    cluster = await Cluster.start({ server: { JOBCTL_DRAIN_SECONDS: "60" } });
    const done = await cluster.submitScript(`head -c ${LARGE} /dev/urandom > out.bin\n`, "--wait");
    const { result } = await cluster.job(done);
    const running = await cluster.submitScript("echo begun; sleep 600\n");
    await waitUntil("it runs", async () => (await cluster.job(running)).status === "running");

    // An upload of which half has been sent, a download that nobody reads at the moment, and two
    // requests that wait on purpose.
    const upload = uploadOf(jobArchive("true\n", randomBytes(LARGE)));
    const uploading = open("POST", "/v1/jobs", upload.headers);
    const half = Math.floor(upload.body.length / 2);
    uploading.write(upload.body.subarray(0, half));
    const downloading = await answerOf(open("GET", `/v1/jobs/${done}/result`).end());
    downloading.pause();
    const waiting = answerOf(open("GET", `/v1/jobs/${running}/wait?timeoutSeconds=60`).end());
    const following = cluster.spawn(["logs", "-f", String(running)]);
    await once(following.stdout as NodeJS.ReadableStream, "data");
    const load = new SubmitLoad(cluster, { loops: 4 });
    await waitUntil("there is load", () => load.acknowledged.length > 20);

    const ended = cluster.server.end("SIGTERM");
    await waitUntil("new requests are refused", async () => {
      const refused = await answerOf(open("GET", "/v1/jobs").end());
      refused.resume();
      return refused.statusCode === 503 && refused.headers["retry-after"] !== undefined;
    });
    const health = await answerOf(open("GET", "/live").end());
    assert.equal(health.resume().statusCode, 200);
    const ready = await answerOf(open("GET", "/ready").end());
    assert.equal(ready.resume().statusCode, 503);

    uploading.end(upload.body.subarray(half));
    const created = await answerOf(uploading);
    assert.equal(created.statusCode, 201);
    const { id } = JSON.parse((await buffer(created)).toString()) as { id: number };
    const downloaded = createHash("sha256").update(await buffer(downloading));
    assert.equal(downloaded.digest("hex"), result?.sha256);
    assert.equal((await waiting).statusCode, 200);
    assert.equal(await ended, 0);
    const { acknowledged, cut } = await load.stop();
    assert.deepEqual(cut, []);

    await cluster.startServer();
    for (const accepted of [...acknowledged.map((job) => job.id), id])
      assert.equal((await cluster.request(`/v1/jobs/${accepted}`)).status, 200);
    await cluster.ok(["cancel", String(running), "--wait"]);
    assert.equal((await following).stdout, "begun\n");
  });

  it("an agent finishes what it can in its time, gives the rest back, and ends with 0", async (t) => {
    shows(t, "sigterm-cuts-nothing-off");
    cluster = await Cluster.start({
      agents: 2,
      via: async (url) => {
        const proxy = await TcpProxy.start(url);
        proxies.push(proxy);
        return proxy.url;
      },
      agent: { JOBCTL_DRAIN_SECONDS: "3" },
    });
    await waitUntil("the second agent is known", async () => {
      return (await cluster.jobctl(["agents", "drain", "agent-2"])).exitCode === 0;
    });
    const slow = await cluster.submitScript(
      counted(cluster, "[[ $JOBCTL_ATTEMPT = *.1 ]] && sleep 600; echo done > result.txt"),
    );
    const quick = await cluster.submitScript(counted(cluster, "sleep 1; echo done > result.txt"));
    await waitUntil("both have been started", async () => {
      const jobs = await Promise.all([quick, slow].map((id) => cluster.job(id)));
      return jobs.every(({ startedAt }) => startedAt !== null);
    });
    // An archive of which a part has arrived when the agent goes down.
    const { resume, begun } = holdBack(proxies[0] as TcpProxy);
    const directory = await cluster.makeJob({ "run.sh": counted(cluster, "true\n") });
    await writeFile(join(directory, "data.bin"), randomBytes(LARGE));
    const late = Number(await cluster.ok(["submit", directory]));
    await begun;
    const ended = cluster.agents[0]?.end("SIGTERM");
    await waitUntil("it takes nothing new", async () => {
      const { status } = await fetch(`${cluster.agents[0]?.url}/ready`);
      return status === 503;
    });
    await cluster.ok(["agents", "resume", "agent-2"]);
    resume();
    assert.equal(await ended, 0);
    assert.deepEqual(await findProcesses(join(cluster.root, "agent-1/attempts")), []);

    // It is away, and does not have to count as lost first.
    await cluster.ok(["wait", String(quick), String(slow), String(late)]);
    assert.deepEqual(await startsOf(cluster, quick), [`${quick}.1`]);
    assert.deepEqual(await startsOf(cluster, slow), [`${slow}.1`, `${slow}.2`]);
    assert.equal((await startsOf(cluster, late)).length, 1);
    for (const id of [slow, late]) assert.equal((await cluster.job(id)).agent, "agent-2");
    await cluster.ok(["download", String(quick), "-o", "out"]);
    assert.equal(await readFile(join(cluster.root, "out/result.txt"), "utf8"), "done\n");
  });
});

/** Stops what goes to an agent after the first pieces of an archive, until it is resumed. */
function holdBack(proxy: TcpProxy): { resume: () => void; begun: Promise<void> } {
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => (begin = resolve));
  proxy.onForward = (chunk) => {
    if (!chunk.toString("latin1").startsWith("PUT /v1/attempts/")) return;
    proxy.onForward = () => {};
    proxy.hold();
    begin();
  };
  return { resume: () => proxy.release(), begun };
}
